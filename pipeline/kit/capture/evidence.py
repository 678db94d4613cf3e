"""Everything that is looked at: the container, its image, and what differs between them."""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from pipeline.errors import NotFound
from pipeline.kit import labels, references
from pipeline.kit.capture import leave
from pipeline.kit.capture.processes import Process, processes
from pipeline.kit.capture.snapshot import Entry, Snapshot, read
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Engine, ImageInfo
from pipeline.scope import Scope

OWN = "(capture)"
"""Stands for a project in the labels of what is made here; no project is called so."""
SKELETON = "/etc/skel/"
"""What a new home folder starts with."""
_LOST_AFTER = timedelta(hours=1)
"""A container of ours that is older belongs to a capture that was killed."""
_SYSTEM = re.compile(
    r"/etc/(passwd|group|shadow)|/var/lib/dpkg/status|/var/lib/apt/extended_states"
    r"|/var/log/dpkg\.log|/var/lib/ucf/hashfile"
)
"""Read of both, as they tell of packages and accounts."""
_NOTES = re.compile(
    r"/var/lib/dpkg/info/.*\.(list|md5sums|preinst|postinst)"
    r"|(/usr)?/lib/sysusers\.d/.*\.conf"
    r"|.*\.dist-info/(METADATA|RECORD|REQUESTED|direct_url\.json)"
    r"|(.*/)?pyvenv\.cfg|(.*/)?package\.json"
)
"""Read where they are new: what packages say of themselves."""


@dataclass(frozen=True)
class Evidence:
    container: ContainerInfo
    image: ImageInfo
    base: str
    """How FROM names the image."""
    kinds: Mapping[str, str]
    """Path → ``added``, ``changed`` or ``deleted``."""
    now: Snapshot
    before: Snapshot
    running: tuple[Process, ...]
    """Empty for one that does not run, or has no shell."""

    def altered(self) -> Iterator[Entry]:
        """Entries that are new, or not as in the image, by path; folders only with what is their
        own."""
        for path, kind in sorted(self.kinds.items()):
            entry, old = self.now.entries.get(path), self.before.entries.get(path)
            if entry is None or kind == "deleted":
                continue
            if old is None or (old.content, old.access) != (entry.content, entry.access):
                yield entry

    @cached_property
    def full(self) -> frozenset[str]:
        """Folders with something in them."""
        return frozenset(map(posixpath.dirname, self.now.entries))

    def owner(self, entry: Entry) -> str:
        """``user:group`` by their names where they have some; empty for root."""
        if (entry.uid, entry.gid) == (0, 0):
            return ""
        return f"{self._name('passwd', entry.uid)}:{self._name('group', entry.gid)}"

    def _name(self, file: str, number: int) -> str:
        for line in self.now.text(f"/etc/{file}").splitlines():
            name, *rest = line.split(":")
            if len(rest) > 1 and rest[1] == str(number):
                return name
        return str(number)


def evidence(engine: Engine, name: str, scope: Scope) -> Evidence:
    """Look at the container ``name`` (or id).

    Raises:
        NotFound: there is none.
    """
    container = engine.inspect(name)
    image = engine.image(container.image) if container else None
    if container is None or image is None:
        raise NotFound(f"there is no container {name}", hint="`docker ps --all` lists them.")
    kinds = {change.path: change.kind for change in engine.changes(container.id)}

    def kept(path: str) -> bool:
        return bool(_SYSTEM.fullmatch(path) or (path in kinds and _NOTES.fullmatch(path)))

    def hashed(path: str) -> bool:
        return path.startswith(SKELETON) or (path in kinds and leave.trace(path) is None)

    now = read(engine.export(container.id, scope), hashed=hashed, kept=kept)
    with unstarted(engine, image.id) as base:
        before = read(engine.export(base, scope), hashed=hashed, kept=kept)
    return Evidence(
        container, image, _base(container, image), kinds, now, before,
        processes(engine, container, scope),
    )  # fmt: skip


@contextmanager
def unstarted(engine: Engine, image: str) -> Iterator[str]:
    """A container of an image that is never started, so that its files can be had; its id."""
    _remove_lost(engine)
    made = engine.create(
        ContainerSpec(
            image=image, name=f"dockcycle-capture-{secrets.token_hex(4)}", command=("true",),
            labels=marks(),
        )
    )  # fmt: skip
    try:
        yield made
    finally:
        engine.remove(made, volumes=True)


def marks() -> dict[str, str]:
    """The labels of what is made for a while, with the time: the engine's own says nothing, since
    an image that comes from the build cache is as old as that."""
    return labels.labels(OWN, "check", run=datetime.now(UTC).isoformat(timespec="seconds"))


def _remove_lost(engine: Engine) -> None:
    """What captures that were killed left; that of ones under way is younger."""
    chosen = labels.select(OWN, "check")
    for container in engine.containers(chosen):
        if _is_lost(container.labels):
            engine.remove(container.id, volumes=True)
    for image in engine.images(chosen):
        if _is_lost(image.labels):
            engine.remove_image(image.id)


def _is_lost(marked: Mapping[str, str]) -> bool:
    made = datetime.fromisoformat(marked.get(labels.RUN) or "2000-01-01T00:00:00+00:00")
    return datetime.now(UTC) - made > _LOST_AFTER


def _base(container: ContainerInfo, image: ImageInfo) -> str:
    """The name that was asked for, if it still stands for this very image; else another one."""
    tags = {str(references.parse(tag)) for tag in image.tags}
    try:
        wanted = references.parse(container.image_name)
        full = str(wanted if wanted.tag or wanted.digest else wanted.tagged("latest"))
    except references.BadReference:
        full = ""
    if full in tags:
        return container.image_name
    return (*image.tags, *image.digests, image.id)[0]
