"""Stage 2: the Dockerfile that is there, a declared one, or one made from what the code is.

Whatever it is gets linted. Files are written only after all of that has succeeded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from pipeline.artifacts import SINGLE, Artifact, DockerfileInfo, Dockerfiles, Finding, Source
from pipeline.errors import DockcycleError, Location, NotFound, StageFailed, UsageError
from pipeline.events import Level
from pipeline.kit import compose_files, drafts
from pipeline.kit.authoring import Wishes
from pipeline.kit.dockerfile import declared, hadolint, lint
from pipeline.kit.dockerfile.declared import Entry
from pipeline.kit.dockerfile.lint import Threshold
from pipeline.kit.dockerfile.ports import exposed_port
from pipeline.kit.drafts import Draft
from pipeline.kit.hashing import fingerprint, git_blob
from pipeline.stage import Context, Stage, StageOptions


class LintOptions(StageOptions):
    severity: Threshold = "error"
    """Findings of this level or above fail the stage; ``off`` fails for none."""
    ignore: tuple[str, ...] = ()
    """Rules that are not told, such as DL3008."""
    hadolint: bool = True


class DockerfileOptions(StageOptions, Wishes):
    path: str | None = None
    """Of the Dockerfile, relative to the app's folder."""
    context: str | None = None
    """Folder that the build sees, relative to the app's folder; the app's folder itself."""
    instructions: tuple[Entry, ...] = ()
    """The Dockerfile, declared."""
    services: Mapping[str, Wishes] = Field(default={})
    """What is decided for single services of a Compose project, for Dockerfiles generated there."""
    lint: LintOptions = LintOptions()
    write: bool = True
    """Put generated files into the work tree; False builds from memory."""

    @field_validator("instructions")
    @classmethod
    def _can_be_said(cls, instructions: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if instructions:
            declared.build(instructions)
        return instructions

    def wishes(self, service: str) -> Wishes:
        """Those for one service: its own word counts, then the common one."""
        common = {name: getattr(self, name) for name in Wishes.model_fields}
        own = self.services.get(service)
        return Wishes(**common | (own.model_dump(exclude_unset=True) if own else {}))


class DockerfileStage(Stage[DockerfileOptions]):
    name: ClassVar[str] = "dockerfile"
    summary: ClassVar[str] = "Uses, declares or generates the Dockerfile, and lints it"
    Options = DockerfileOptions
    needs = frozenset({Source})
    makes = frozenset({Dockerfiles})
    default_timeout = 120.0

    def run(self, ctx: Context) -> Sequence[Artifact]:
        source = ctx.get(Source)
        made = self._drafts(ctx, source)
        self._explain(ctx, made)
        findings = self._lint(ctx, source, made)
        written = self._write(ctx, made) if self.options.write else ()
        services = {service: self._info(draft, findings[draft]) for service, draft in made.items()}
        return [Dockerfiles(services=services, written=written)]

    def fingerprint(self, ctx: Context) -> str | None:
        try:
            made = self._drafts(ctx, ctx.get(Source))
        except DockcycleError:
            return None  # let it run, and say what is wrong
        texts = {
            service: (str(draft.path), draft.origin, draft.text, str(draft.ignore_file))
            for service, draft in made.items()
        }
        return fingerprint(self.options, texts)

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        (made,) = (artifact for artifact in artifacts if isinstance(artifact, Dockerfiles))
        expected = {info.path: info.text for info in made.services.values()}
        return all(
            drafts.read(Path(path)) == expected.get(path, drafts.IGNORE_TEXT)
            for path in made.written
        )

    # which

    def _drafts(self, ctx: Context, source: Source) -> dict[str, Draft]:
        """Service → its Dockerfile. Reads only."""
        app, root = Path(source.path), Path(source.root)
        files = compose_files.declared(ctx.peers, app=app, project=ctx.project.directory)
        options = self.options
        if files is None:
            context = _inside(root, app / (options.context or "."), "context")
            path = _inside(root, app / (options.path or Path(context, "Dockerfile")), "path")
            wishes = options.wishes(SINGLE)
            return {
                SINGLE: drafts.draft(path, context, entries=options.instructions, wishes=wishes)
            }
        if options.path or options.context or options.instructions:
            raise UsageError(
                "with Compose the Dockerfiles are those that the Compose files name",
                hint="Move path, context and instructions to `build:` of the service.",
            )
        model = compose_files.resolve(
            ctx.ports.compose, files, project=ctx.project.name, variables=ctx.variables,
            secrets=ctx.secrets.names, scope=ctx.scope,
        )  # fmt: skip
        return drafts.of_compose(model, Path(files.files[0]), options.wishes)

    # what it says

    def _explain(self, ctx: Context, made: Mapping[str, Draft]) -> None:
        """Every decision as a line of the log; those worth a look as notices too."""
        for draft, service in _once(made).items():
            for reason in draft.reasons:
                ctx.log(str(reason), step=service)
                if reason.doubtful:
                    place = Location(reason.file, reason.line).within(draft.context)
                    where = place if reason.file else None
                    ctx.notice(f"{reason.value}: {reason.because}", rule="detected", where=where)

    # lint

    def _lint(
        self, ctx: Context, source: Source, made: Mapping[str, Draft]
    ) -> dict[Draft, tuple[Finding, ...]]:
        """What there is to say about each.

        Raises:
            StageFailed: some are as severe as the threshold.
        """
        found = {draft: self._findings(ctx, source, draft) for draft in _once(made)}
        severe: list[tuple[Location, Finding]] = []
        for draft, findings in found.items():
            bad = lint.at_or_above(findings, self.options.lint.severity)
            for finding in findings:
                where = _where(source, draft, finding)
                level: Level = "error" if finding in bad else _LEVELS[finding.level]
                ctx.notice(
                    finding.message, level=level, hint=finding.hint, rule=finding.rule, where=where
                )
                if finding in bad:
                    severe.append((where, finding))
        if severe:
            raise _too_bad(severe)
        return found

    def _findings(self, ctx: Context, source: Source, draft: Draft) -> tuple[Finding, ...]:
        foreign: list[Finding] = []
        if self.options.lint.hadolint:
            folders = [draft.path.parent, Path(source.root)]
            try:
                foreign = hadolint.check(draft.text, folders, ctx.ports.shell, ctx.scope)
            except NotFound as error:
                ctx.notice(f"{error.message}: only our own rules were checked", hint=error.hint)
        merged = lint.merge(lint.own_findings(draft.text), foreign)
        return tuple(f for f in merged if f.rule not in self.options.lint.ignore)

    # files

    def _write(self, ctx: Context, made: Mapping[str, Draft]) -> tuple[str, ...]:
        """Bring our files to what they should be; all of ours, changed or not."""
        ours = {path: text for draft in _once(made) for path, text in draft.files().items()}
        for path, text in ours.items():
            there = drafts.read(path)
            if there == text:
                continue
            with ctx.journal.effect("file", str(path)):
                _replace(path, text)
            ctx.notice(f"{'wrote' if there is None else 'brought up to date:'} {path}")
        return tuple(map(str, ours))

    def _info(self, draft: Draft, findings: tuple[Finding, ...]) -> DockerfileInfo:
        ignore_file = draft.ignore_file
        if ignore_file is None and self.options.write:
            ignore_file = draft.context / ".dockerignore"
        return DockerfileInfo(
            path=str(draft.path), context=str(draft.context), origin=draft.origin, text=draft.text,
            blob=git_blob(draft.text), ignore_file=str(ignore_file) if ignore_file else None,
            findings=findings, port=exposed_port(draft.text),
        )  # fmt: skip


_LEVELS: Mapping[str, Level] = {
    "error": "warning", "warning": "warning", "info": "info", "style": "info",
}  # fmt: skip


def _once(made: Mapping[str, Draft]) -> dict[Draft, str]:
    """Each Dockerfile, with the first of the services that it is for."""
    first: dict[Draft, str] = {}
    for service, draft in made.items():
        first.setdefault(draft, service)
    return first


def _inside(root: Path, path: Path, key: str) -> Path:
    """``path``, normalised, if it is in the work tree.

    Raises:
        UsageError: it is not.
    """
    normal = Path(os.path.normpath(path))
    if not normal.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"`{key}:` leads out of {root}", hint="Name something in the work tree of the app."
        )
    return normal


def _where(source: Source, draft: Draft, finding: Finding) -> Location:
    """As an annotation on a pull request needs it: relative to the work tree."""
    root = Path(source.root)
    path = draft.path.relative_to(root) if draft.path.is_relative_to(root) else draft.path
    line = None if draft.origin == "inline" else finding.line or None
    return Location(str(path), line)


def _too_bad(severe: Sequence[tuple[Location, Finding]]) -> StageFailed:
    where, first = severe[0]
    more = f" (and {len(severe) - 1} more)" if len(severe) > 1 else ""
    rules = ", ".join(dict.fromkeys(finding.rule for _, finding in severe))
    return StageFailed(
        f"{first.message} [{first.rule}]{more}",
        hint=first.hint or f"If it has to be so: `dockerfile: {{lint: {{ignore: [{rules}]}}}}`.",
        detail="\n".join(f"{place}: {f.level} {f.rule}: {f.message}" for place, f in severe),
        where=where,
    )


def _replace(path: Path, text: str) -> None:
    """Write aside, then rename: at any moment the old file or the new one is there, whole."""
    aside = path.with_name(f".{path.name}.dockcycle")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StageFailed(
            f"{path} cannot be written: {error.strerror}",
            hint="Make its folder writable, or set `dockerfile: {write: false}`.",
        ) from error
