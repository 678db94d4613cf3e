"""Image archives, as ``docker save`` writes and ``docker load`` reads them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pipeline.errors import DockcycleError, StageFailed, Unusable, of_the_machine
from pipeline.kit.pushing import TemporaryTags
from pipeline.scope import Scope

_HEX = re.compile(r"[0-9a-f]{64}")
_LARGEST_INDEX = 4 * 1024 * 1024


def save_archive(images: Mapping[str, str], path: Path, tags: TemporaryTags, scope: Scope) -> str:
    """Write one archive with these images (name with tag → id); the digest of the file.

    The file appears whole or not at all; folders above it are made.

    Raises:
        StageFailed: it cannot be written, or does not have exactly these images.
        Unusable: there is no room for it.
    """
    with ExitStack() as named:
        for name, image in images.items():
            named.enter_context(tags.on(image, name))
        with tags.journal.effect("archive", str(path)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                tags.engine.save(list(images), str(path), scope)
            except OSError as error:
                raise _unwritten(path, error) from error
    found = archived_images(path)
    for name, image in images.items():
        if image not in found.get(name, ()):
            raise StageFailed(
                f"{path} has another image as {name} than the tested one",
                hint="Something gave the name to another image meanwhile; run again.",
            )
    return file_digest(path)


def _unwritten(path: Path, error: OSError) -> DockcycleError:
    message = f"{path} cannot be written: {error.strerror}"
    if of_the_machine(error):
        return Unusable(message, hint="Free some space there, or choose another place.")
    return StageFailed(message, hint="Choose a path for `archive:` that you may write to.")


def archived_images(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Image name → digests that an archive has for it: of its config, and of its manifest where
    the archive tells.

    Raises:
        StageFailed: it is not an image archive.
    """
    found: dict[str, set[str]] = {}
    for entry in _entries(path, "manifest.json", required=True):
        for name in entry.get("RepoTags") or []:
            found.setdefault(name, set()).update(_HEX.findall(str(entry.get("Config", ""))))
    for entry in _entries(path, "index.json", required=False):
        name = (entry.get("annotations") or {}).get("io.containerd.image.name", "")
        for known in found:
            if _ends_with(name, known):
                found[known].update(_HEX.findall(str(entry.get("digest", ""))))
    return {name: tuple(f"sha256:{digest}" for digest in sorted(digests))
            for name, digests in found.items()}  # fmt: skip


def file_digest(path: Path) -> str:
    """``sha256:…`` of a file's content."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _ends_with(full: str, familiar: str) -> bool:
    """``docker.io/library/hello:1`` is also called ``hello:1``."""
    return full == familiar or full.endswith(f"/{familiar}")


def _entries(path: Path, member: str, *, required: bool) -> list[dict[str, Any]]:
    """The list in one of the archive's JSON files."""
    import tarfile

    try:
        with tarfile.open(path, "r:") as archive:
            file = archive.extractfile(member)
            content = json.loads(file.read(_LARGEST_INDEX)) if file else None
    except KeyError:
        content = None
    except (OSError, tarfile.TarError, ValueError) as error:
        raise StageFailed(f"{path} is not an image archive: {error}") from error
    entries = content.get("manifests") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        if required:
            raise StageFailed(f"{path} is not an image archive: it has no {member}")
        return []
    return [entry for entry in entries if isinstance(entry, dict)]
