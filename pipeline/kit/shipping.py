"""Getting the very images that were tested to another engine, the one that serves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import NotFound, RegistryDenied, RegistryUnavailable, StageFailed
from pipeline.kit import references
from pipeline.kit.labels import PROJECT
from pipeline.kit.text import human_bytes
from pipeline.kit.thin_archives import without_known
from pipeline.ports import Auth, Engine
from pipeline.ports.engine import ImageInfo
from pipeline.scope import Scope


@dataclass(frozen=True)
class Crate:
    """An image to be shipped. ``image`` is its id on the engine that has it; ``sources`` are
    ``repository@sha256:…``, where it may be pulled from."""

    image: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shipping:
    """From one engine to another."""

    here: Engine
    there: Engine
    auth: Callable[[str], Auth | None]
    """Credentials for a registry's host."""
    scope: Scope
    tell: Callable[[str], None]
    """Takes one line for people."""
    log: Callable[[str], None]
    """Takes one line of foreign output."""

    def ship(self, crates: Mapping[str, Crate]) -> dict[str, str]:
        """Service → the id that its image has there, once all are there. Idempotent.

        Each is pulled by the digest under which it was pushed; what the other engine cannot pull
        is sent over the connection to it.

        Raises:
            StageFailed: what arrived is not the image, or is for another kind of machine.
        """
        if self.here.info().id == self.there.info().id:
            return {service: crate.image for service, crate in crates.items()}
        arrived: dict[str, ImageInfo] = {}
        missing: dict[str, str] = {}
        for service, crate in crates.items():
            if (info := self._find_or_pull(crate)) is not None:
                arrived[service] = info
            else:
                missing[service] = crate.image
        arrived |= self._send(missing)
        for service, info in arrived.items():
            self._require_same(service, crates[service].image, info)
        return {service: info.id for service, info in arrived.items()}

    @property
    def _alike(self) -> bool:
        """Does an image have the same id on both?"""
        return self.here.info().containerd_store == self.there.info().containerd_store

    def _find_or_pull(self, crate: Crate) -> ImageInfo | None:
        """Ids and digests are hashes over content: what has the name is the image."""
        for ref in (crate.image, *crate.sources):
            if (info := self.there.image(ref)) is not None:
                return info
        for source in crate.sources:
            auth = self.auth(references.parse(source).host)
            try:
                return self.there.pull(source, auth, self.log, self.scope)
            except (NotFound, RegistryDenied, RegistryUnavailable) as error:
                self.log(f"cannot be pulled there: {error.message}")
        return None

    def _send(self, images: Mapping[str, str]) -> dict[str, ImageInfo]:
        """Alike engines get one archive, so that a layer which several images have is sent once."""
        wanted = list(dict.fromkeys(images.values()))
        batches = [wanted] if self._alike else [[image] for image in wanted]
        there: dict[str, ImageInfo] = {}
        for batch in filter(None, batches):
            loaded = self._send_archive(batch)
            there |= {info.id: info for info in loaded} if self._alike else {batch[0]: loaded[0]}
        if lost := [service for service, image in images.items() if image not in there]:
            raise StageFailed(f"the image of {lost[0]} did not arrive at {self._place()}")
        return {service: there[image] for service, image in images.items()}

    def _send_archive(self, images: list[str]) -> list[ImageInfo]:
        with tempfile.TemporaryDirectory(prefix="dockcycle-") as folder:
            whole = Path(folder) / "images.tar"
            self.here.save(images, str(whole), self.scope)
            if (thin := self._without_known(whole)) != whole:
                try:
                    return self._load(thin, of=whole)
                except StageFailed as error:  # a layer that was there a moment ago is gone
                    self.log(f"not enough: {error.message}")
            return self._load(whole)

    def _without_known(self, whole: Path) -> Path:
        if self.there.info().containerd_store:
            return whole
        known = (image.layers for image in self.there.images({PROJECT: ""}))
        return without_known(whole, known)

    def _load(self, archive: Path, of: Path | None = None) -> list[ImageInfo]:
        size = human_bytes(archive.stat().st_size)
        rest = f" of {human_bytes(of.stat().st_size)}, the rest is there," if of else ""
        self.tell(f"sending {size}{rest} to {self._place()}")
        return self.there.load(str(archive), self.scope)

    def _require_same(self, service: str, image: str, there: ImageInfo) -> None:
        machine = self.there.info().architecture
        if machine not in (_machine(there), self.here.info().architecture):
            raise StageFailed(
                f"the image of {service} is for {there.platform}, and the engine at "
                f"{self._place()} is {machine}",
                hint=f"Build it for that machine: `build: {{platforms: [linux/{machine}]}}`.",
            )
        if self._alike and there.id != image:
            raise StageFailed(
                f"what arrived at {self._place()} is not the tested image of {service}: "
                f"{there.id[7:19]} in place of {image[7:19]}",
                hint="Does something answer in the registry's place? Run again.",
            )

    def _place(self) -> str:
        return self.there.info().address


def _machine(info: ImageInfo) -> str:
    """The architecture in a platform such as ``linux/arm64/v8``."""
    return [*info.platform.split("/"), ""][1]
