"""Which files ``track`` commits, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.artifacts import Dockerfiles, Source
from pipeline.ports.repo import Head
from pipeline.stage import Context

LOCK = "pipeline.lock"


def files_to_track(ctx: Context, source: Source) -> dict[str, bytes]:
    """Path in the repository → content: Dockerfiles as they were built, their ignore files, and the
    lock beside the pipeline file. What is not in the repository, or only in memory, is left out."""
    dockerfiles = ctx.get(Dockerfiles)
    texts = {Path(info.path): info.text for info in dockerfiles.services.values()
             if info.origin != "inline"}  # fmt: skip
    others = [Path(info.ignore_file) for info in dockerfiles.services.values() if info.ignore_file]
    paths = [*texts, *others, *map(Path, dockerfiles.written)]
    found = _below(Path(source.root), paths, texts)
    if source.repository is not None:
        found |= _below(Path(source.repository), [ctx.project.directory / LOCK], {})
    return dict(sorted(found.items()))


def subject(project: str, files: Iterable[str]) -> str:
    """First line of a commit: ``Track Dockerfile and .dockerignore of hello``."""
    names = sorted({Path(path).name for path in files}, key=lambda name: (name[0] == ".", name))
    *most, last = names or ["nothing"]
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"Track {listed} of {project}"


def write_where_untouched(
    ctx: Context, source: Source, head: Head, files: Mapping[str, bytes]
) -> None:
    """After an export: put the files into the user's work tree, as a pull would, so that the commit
    does not look there as if they had been deleted. What the user has changed is left."""
    if source.repository is None or source.repository == source.root:
        return
    for path, data in files.items():
        target = Path(source.repository) / path
        touched = any(
            path == other or (other.endswith("/") and path.startswith(other))
            for other in (*head.changed, *head.new)
        )
        if touched or (target.is_file() and target.read_bytes() == data):
            continue
        with ctx.journal.effect("file", str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def _below(root: Path, paths: Iterable[Path], texts: Mapping[Path, str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in paths:
        if path.is_relative_to(root) and path.is_file() and not path.is_symlink():
            found[path.relative_to(root).as_posix()] = _content(path, texts.get(path))
    return found


def _content(path: Path, built: str | None) -> bytes:
    """What was built, when the file has been changed since; else the file, line ends and all."""
    data = path.read_bytes()
    if built is None or data.decode("utf-8", "replace").splitlines() == built.splitlines():
        return data
    return built.encode()
