"""Images that checks run in: a build target, or any image with the source in it.

The source is copied into a throw-away image rather than mounted: that works with an engine on
another machine too, and leaves no files of another user in the work tree.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline.artifacts import SINGLE, DockerfileInfo, Source
from pipeline.errors import DockcycleError, EngineUnavailable, StageFailed
from pipeline.kit import building
from pipeline.kit.building import BuildChoices
from pipeline.kit.content import context_files
from pipeline.kit.dockerfile.parse import parse
from pipeline.kit.hashing import git_blob
from pipeline.kit.ignore import DEFAULT_IGNORE, Ignore, ignore_file
from pipeline.kit.names import did_you_mean
from pipeline.ports.engine import BuildRequest, ImageInfo
from pipeline.stage import Context
from stages._build_bench import Listener

WORK = "/work"
"""Where the source is in an image."""
_EVERYTHING = ""


class CheckImages:
    """Builds each image once, and removes them all at the end of ``with``."""

    def __init__(self, ctx: Context, source: Source, files: list[str] | None) -> None:
        """``files`` are those of the app that git knows; None without git."""
        self._ctx = ctx
        self._source = source
        self._app = Path(source.path)
        self._files = files
        self._ids: dict[str, str] = {}

    def __enter__(self) -> CheckImages:
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(EngineUnavailable):  # they are labelled, and go with the next sweep
            for image in dict.fromkeys(self._ids.values()):
                self._ctx.ports.engine.remove_image(image, force=True)

    def get(self, where: str) -> str:
        """Id of the image for ``in: where``.

        Raises:
            StageFailed: it cannot be built, or is neither a target nor the name of an image.
        """
        if where not in self._ids:
            targets = self._targets()
            if where.lower() in targets:
                self._ids[where] = self._target(where).id
            elif ":" in where or "/" in where:
                self._ids[where] = self._with_source(where)
            else:
                raise _neither(where, targets)
        return self._ids[where]

    def _dockerfile(self) -> Path:
        options: Any = self._ctx.peers.get("dockerfile")
        return self._app / (getattr(options, "path", None) or "Dockerfile")

    def _targets(self) -> list[str]:
        path = self._dockerfile()
        if not path.is_file():
            return []
        stages = parse(path.read_text(encoding="utf-8"), str(path)).stages
        return [stage.base.name.lower() for stage in stages if stage.base.name]

    def _target(self, name: str) -> ImageInfo:
        """The user's own recipe, built as `build` would: it says what is in it, and where."""
        ctx, path = self._ctx, self._dockerfile()
        options: Any = ctx.peers.get("dockerfile")
        context = self._app / (getattr(options, "context", None) or ".")
        text, ignore = path.read_text(encoding="utf-8"), ignore_file(context, path)
        info = DockerfileInfo(
            path=str(path), context=str(context), origin="existing", text=text,
            blob=git_blob(text), ignore_file=str(ignore) if ignore else None,
        )  # fmt: skip
        build: object = ctx.peers.get("build")
        choices = build if isinstance(build, BuildChoices) else BuildChoices()
        request = building.request(
            SINGLE, info, None, choices, project=ctx.project.name, source=self._source,
            values=building.Values(ctx.secrets.names, ctx.secrets.get, ctx.variables),
        )  # fmt: skip
        here = {"target": name, "platforms": (), "cache_to": (), "labels": ctx.labels("check")}
        return self._build(request.model_copy(update=here), name)

    def _with_source(self, base: str) -> str:
        with self._staged() as context:
            image = self._copied(base, context)
            if image.user not in ("", "0", "root"):
                # COPY leaves the files to root; who runs the check must be able to write.
                self._ctx.ports.engine.remove_image(image.id, force=True)
                image = self._copied(base, context, f"--chown={image.user} ")
        return image.id

    def _copied(self, base: str, context: Path, owner: str = "") -> ImageInfo:
        request = BuildRequest(
            context=str(context), ignore_text=_EVERYTHING, labels=self._ctx.labels("check"),
            dockerfile_text=f"FROM {base}\nCOPY {owner}. {WORK}\nWORKDIR {WORK}\n",
            dockerfile_name=f"(for checks in {base})",
        )  # fmt: skip
        try:
            return self._build(request, base)
        except DockcycleError as error:
            error.where = None  # a line of a Dockerfile that nobody wrote
            raise

    def _build(self, request: BuildRequest, where: str) -> ImageInfo:
        ctx = self._ctx
        ctx.progress(f"preparing {where} for checks")
        with ctx.journal.effect("image", f"check {where}"):
            return ctx.ports.engine.build(request, Listener(ctx, ""), ctx.scope)

    @contextmanager
    def _staged(self) -> Iterator[Path]:
        """A folder with the source: what git tracks or would, else all but caches and secrets."""
        files = self._files
        if files is None:
            files = context_files(self._app, Ignore.parse(DEFAULT_IGNORE))
        folder = self._ctx.project.state / "check-context"
        try:
            stage_files(self._app, files, folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def stage_files(source: Path, files: list[str], target: Path) -> None:
    """Make ``target`` hold exactly these files of ``source``; as hard links where that works."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in files:
        there, here = source / name, target / name
        here.parent.mkdir(parents=True, exist_ok=True)
        if there.is_symlink():
            here.symlink_to(there.readlink())
        elif there.is_dir():  # a submodule, or a repository inside
            shutil.copytree(there, here, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        elif there.is_file():
            _link_or_copy(there, here)


def _link_or_copy(there: Path, here: Path) -> None:
    try:
        here.hardlink_to(there)
    except OSError:  # another disk, or somebody else's file
        shutil.copy2(there, here)


def _neither(where: str, targets: list[str]) -> StageFailed:
    near = did_you_mean(where, targets) if targets else ""
    hint = f"{near} For an image give its tag too: `in: {where}:latest`.".strip()
    return StageFailed(f"`in: {where}` names no build target of the Dockerfile", hint=hint)
