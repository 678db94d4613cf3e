"""Larger pieces of Dockerfiles that authors of several languages share."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from pipeline.kit.authoring import blocks
from pipeline.kit.dockerfile import model as m

UID = "10001"
DEPENDENCIES_FIRST = (
    "Dependencies before the code: as long as they stay, a change of the code is quick."
)
_OWNED = (("chown", f"{UID}:{UID}"),)


def folder() -> list[m.Item]:
    """/app for a base that has no tool to make a user, only a number."""
    return [
        *blocks.comment("No user but a number, which owns nothing but the app's folder."),
        blocks.run(f"install -d -o {UID} -g {UID} /app"),
        m.Workdir("/app"),
    ]


def user() -> list[m.Item]:
    """A user of the app's own, and /app, on a base that is Debian or the like."""
    return [
        *blocks.comment("A user of the app's own, who owns nothing but the app's folder."),
        blocks.run(
            f"useradd --uid {UID} --user-group --home-dir /app --no-create-home "
            "--shell /usr/sbin/nologin app",
            "install --directory --owner=app --group=app /app",
        ),
        m.Workdir("/app"),
    ]


def copies(files: Iterable[str], *, owned: bool = False) -> list[m.Copy]:
    """Each file to the same place below the working folder, one COPY for each folder."""
    folders: dict[str, list[str]] = {}
    for file in files:
        folders.setdefault(posixpath.dirname(file), []).append(file)
    flags = _OWNED if owned else ()
    return [
        m.Copy(tuple(names), f"./{where}/" if where else "./", flags=flags)
        for where, names in folders.items()
    ]


def data(tops: Iterable[str]) -> list[m.Copy]:
    """Files and folders (with ``/`` at the end) of the top level, as the app's own."""
    names = list(tops)
    files = copies((name for name in names if not name.endswith("/")), owned=True)
    folders = (name.rstrip("/") for name in names if name.endswith("/"))
    return [*files, *(m.Copy((name,), f"./{name}", flags=_OWNED) for name in folders)]


def from_build(path: str, destination: str, *, owned: bool = False) -> m.Copy:
    """What the stage ``build`` made."""
    return m.Copy((path,), destination, flags=(("from", "build"), *(_OWNED if owned else ())))


def code(*, owned: bool = False) -> m.Copy:
    return m.Copy((".",), "./", flags=_OWNED if owned else ())


def ending(
    user: str, port: int | None, command: str | Sequence[str], health: Sequence[str] | None
) -> list[m.Item]:
    """What a last stage closes with."""
    items: list[m.Item] = [m.User(user)]
    if port is not None:
        items.append(m.Expose((str(port),)))
        if health:
            items.append(blocks.healthcheck(health))
    return [*items, m.Cmd(blocks.start_command(command))]
