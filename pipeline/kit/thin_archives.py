"""Image archives without the layers that whoever gets them has already."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import StageFailed


def without_known(archive: Path, known: Iterable[Sequence[str]]) -> Path:
    """The archive, or one beside it that lacks layers.

    ``known`` are the layers (diff ids, the base's first) of images at the receiver. A layer is left
    out where such an image has the same ones up to it: the engine then looks it up by all of them
    and never opens its file (``docker load`` of the classic image store; that of containerd needs
    every file).
    """
    there = {tuple(layers[:n]) for layers in known for n in range(1, len(layers) + 1)}
    if not there:
        return archive
    with tarfile.open(archive) as whole:
        members = whole.getmembers()
        spare = _spare(whole, there)
        # Engines before 25 write a layer of several images once, and links to it.
        if not spare or any(member.issym() or member.islnk() for member in members):
            return archive
        thin = archive.with_suffix(".thin")
        with tarfile.open(thin, "w") as target:
            for member in members:
                if member.name not in spare:
                    target.addfile(member, whole.extractfile(member) if member.isfile() else None)
    return thin


def _spare(whole: tarfile.TarFile, there: set[tuple[str, ...]]) -> set[str]:
    """Names of the files that nobody will open."""
    spare: set[str] = set()
    needed: set[str] = set()
    for image in _read(whole, "manifest.json"):
        layers = _read(whole, image["Config"])["rootfs"]["diff_ids"]
        shared = (n for n in range(len(layers), 0, -1) if tuple(layers[:n]) in there)
        count = next(shared, 0)
        spare.update(image["Layers"][:count])
        needed.update(image["Layers"][count:])
    return spare - needed


def _read(whole: tarfile.TarFile, name: str) -> Any:
    file = whole.extractfile(name)
    if file is None:
        raise StageFailed(f"{name} of an image archive is no file")
    return json.load(file)
