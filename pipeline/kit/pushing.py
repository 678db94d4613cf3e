"""Pushing one image under one name, so that it is certain what arrived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.artifacts import PushedImage
from pipeline.errors import DockcycleError, RegistryDenied, StageFailed
from pipeline.kit.references import Reference
from pipeline.kit.retry import retry
from pipeline.kit.sweep import TEMPORARY_TAG, drop_temporary_tag
from pipeline.ports import Auth, Clock, Engine, Journal, Registry
from pipeline.ports.engine import OnBytes, OnLine
from pipeline.ports.registry import Manifest
from pipeline.scope import Scope


class PushPorts(Protocol):
    """The ports that pushing needs; ``pipeline.stage.Ports`` is one."""

    @property
    def engine(self) -> Engine: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def clock(self) -> Clock: ...


@dataclass
class TemporaryTags:
    """Names that images have for a moment only. What could not be taken back is in ``left``."""

    engine: Engine
    journal: Journal
    left: set[str] = field(default_factory=set)
    """Keys for ``drop_temporary_tag``."""

    @contextmanager
    def on(self, image: str, name: str) -> Iterator[None]:
        """Within the block the image ``image`` (an id) is called ``name``.

        A name that it has already is not ours and stays; one that another image has goes back to
        that one.
        """
        before = self.engine.image(name)
        if before is not None and before.id == image:
            yield
            return
        key = name if before is None else f"{name} {before.id}"
        try:
            with self.journal.effect(TEMPORARY_TAG, key):
                self.engine.tag(image, name)
            yield
        finally:
            self._drop(key)

    def _drop(self, key: str) -> None:
        try:
            drop_temporary_tag(self.engine, key)
        except DockcycleError:  # told by what failed before it, or by the clean-up that follows
            self.left.add(key)

    def drop_left(self) -> None:
        """Try again to take back what could not be."""
        for key in sorted(self.left):
            drop_temporary_tag(self.engine, key)
            self.left.discard(key)


def push_image(
    image: str, reference: Reference, auth: Auth | None, *, ports: PushPorts, tags: TemporaryTags,
    on_line: OnLine, scope: Scope, on_bytes: OnBytes | None = None,
) -> PushedImage:  # fmt: skip
    """Make sure that the registry has the image with that id under that name and tag.

    The registry is asked first: what it has need not be pushed, and one that is down shows at once
    there, but after a minute of the engine's own retries in a push.

    Raises:
        StageFailed: the name means, here or there, another image than this one.
        RegistryDenied, RegistryUnavailable: the registry's answer, the latter after retries.
    """
    name, manifest, denied = str(reference), None, None
    try:
        manifest = ports.registry.manifest(name, auth, scope)
    except RegistryDenied as error:  # some say so of a repository that the first push will make
        denied = error
    if manifest is None or not _is_image(manifest, image):
        try:
            digest = _push(
                image, name, auth, ports=ports, tags=tags, on_line=on_line, scope=scope,
                on_bytes=on_bytes,
            )  # fmt: skip
        except RegistryDenied as error:
            raise denied or error from error
        found = ports.registry.manifest(name, auth, scope)
        manifest = _check_what_arrived(found, digest, image, name)
    return PushedImage(ref=name, digest=manifest.digest, config=manifest.config, image=image)


def _push(
    image: str, name: str, auth: Auth | None, *, ports: PushPorts, tags: TemporaryTags,
    on_line: OnLine, scope: Scope, on_bytes: OnBytes | None = None,
) -> str:  # fmt: skip
    """Push, with retries; the digest that the registry took."""
    failed = False

    def attempt() -> str:
        nonlocal failed
        if failed:  # the engine does not tell how long the registry asks to wait; this waits
            ports.registry.manifest(name, auth, scope)
        failed = True
        _still_means(ports.engine, name, image)
        with tags.journal.effect("push", name):
            return ports.engine.push(name, auth, on_line, scope, on_bytes)

    with tags.on(image, name):
        return retry(attempt, clock=ports.clock, scope=scope, tell=on_line)


def _is_image(manifest: Manifest, image: str) -> bool:
    """Image ids and digests are hashes over content, so what is equal is the same: the id is the
    config's digest in the engine's classic store, the manifest's in the containerd store."""
    return image in (manifest.config, manifest.digest)


def _still_means(engine: Engine, name: str, image: str) -> None:
    found = engine.image(name)
    if found is None or found.id != image:
        raise StageFailed(
            f"{name} is not the tested image: something else gave the name away while it was "
            "about to be pushed",
            hint="Do not tag images with this name while dockcycle pushes; run again.",
        )


def _check_what_arrived(manifest: Manifest | None, digest: str, image: str, name: str) -> Manifest:
    if manifest is None:
        raise StageFailed(
            f"the registry has no {name}, although the push succeeded",
            hint="Does something delete from the registry, or answer in its place?",
        )
    if not _is_image(manifest, image):
        raise StageFailed(
            f"{name} in the registry is not the tested image {image}: it has "
            f"{manifest.config or manifest.digest}, and {digest} was pushed",
            hint="Something gave the name to another image, here or there; run again.",
        )
    return manifest
