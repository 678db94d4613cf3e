"""What a registry's answer says about an image: manifests and indexes, Docker's and OCI's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Unusable
from pipeline.ports.registry import Manifest

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest; registries themselves take no larger ones."""
_ATTESTATION = "vnd.docker.reference.type"


def read_manifest(body: bytes, content_type: str, expected: tuple[str, ...], what: str) -> Manifest:
    """The manifest ``what`` in ``body``, which must have each of the ``expected`` digests.

    Raises:
        Unusable: it has not, or it is no manifest.
    """
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    for wanted in expected:
        if wanted != digest:
            raise Unusable(
                f"the registry's answer for {what} is damaged: it has the digest {digest}, "
                f"not {wanted[:80]}",
                hint="Run again; if it stays so, something between here and the registry "
                "changes what it sends.",
            )
    document = _document(body, what)
    media_type = str(document.get("mediaType") or content_type.partition(";")[0].strip())
    if isinstance(entries := document.get("manifests"), list):
        return _index(digest, media_type, [e for e in entries if isinstance(e, dict)])
    if isinstance(config := document.get("config"), dict):
        layers = [e for e in document.get("layers") or [] if isinstance(e, dict)]
        return Manifest(
            digest=digest,
            config=str(config.get("digest", "")),
            media_type=media_type,
            size=sum(_size(part) for part in (config, *layers)),
        )
    raise Unusable(
        f"the registry keeps {what} in a format of before 2016 that is not supported",
        hint="Use a newer registry, such as registry:2.",
    )


def _document(body: bytes, what: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Unusable(f"the registry's answer for {what} is not a manifest")
    return document


def _index(digest: str, media_type: str, entries: list[dict[str, Any]]) -> Manifest:
    images = [e for e in entries if _ATTESTATION not in (e.get("annotations") or {})]
    return Manifest(
        digest=digest,
        media_type=media_type,
        platforms=tuple(_platform(entry.get("platform") or {}) for entry in images),
        manifests=tuple(str(entry.get("digest", "")) for entry in images),
    )


def _platform(platform: Mapping[str, Any]) -> str:
    parts = (platform.get(key) for key in ("os", "architecture", "variant"))
    return "/".join(str(part) for part in parts if part)


def _size(descriptor: Mapping[str, Any]) -> int:
    size = descriptor.get("size")
    return size if isinstance(size, int) else 0
