"""``volumes:`` and ``tmpfs:`` of one container, in Compose's spellings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from pipeline.ports.engine import Mount

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # the engine's rule for volume names
_LONG_KEYS = {"type", "source", "target", "read_only"}
_MODES = {"": False, "rw": False, "ro": True}
_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "type": {"enum": ["bind", "volume", "tmpfs"]},
                "source": {"type": "string"},
                "target": {"type": "string"},
                "read_only": {"type": "boolean"},
            },
            "required": ["target"],
            "additionalProperties": False,
        },
    ]
}


def parse_mount(value: object) -> Mount:
    """A mount of ``data:/var/lib/data``, ``./config:/etc/app:ro``, ``/var/cache`` (a volume without
    a name) or the mapping ``{type, source, target, read_only}``. A relative source stays so.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, Mount):
        return value
    if isinstance(value, dict):
        return _long(value)
    if not isinstance(value, str):
        raise ValueError('write "name:/path", "./folder:/path" or "/path"')
    parts = value.split(":")
    if len(parts) == 1:
        return _mount("volume", "", parts[0], read_only=False)
    if len(parts) > 3 or (mode := parts[2] if len(parts) == 3 else "") not in _MODES:
        raise ValueError(f'"{value}": after the path only ro or rw can follow')
    source, target = parts[:2]
    return _mount(_kind(source), source, target, read_only=_MODES[mode])


def _long(value: dict[str, Any]) -> Mount:
    if unknown := sorted(set(value) - _LONG_KEYS):
        raise ValueError(f"a mount has no key {', '.join(unknown)}")
    source = str(value.get("source") or "")
    kind = value.get("type") or _kind(source)
    if kind not in ("bind", "volume", "tmpfs"):
        raise ValueError(f'"{kind}" is not a kind of mount; there are bind, volume and tmpfs')
    if kind == "bind" and not source:
        raise ValueError("a bind mount has a source")
    return _mount(kind, source, str(value.get("target") or ""), bool(value.get("read_only")))


def _kind(source: str) -> Literal["bind", "volume"]:
    return "bind" if source.startswith((".", "/", "~")) else "volume"


def _mount(
    kind: Literal["bind", "volume", "tmpfs"], source: str, target: str, read_only: bool
) -> Mount:
    if not target.startswith("/"):
        raise ValueError(f'"{target}" is not an absolute path in the container')
    if kind == "volume" and source and not _NAME.fullmatch(source):
        raise ValueError(f'"{source}" is not a volume\'s name; a folder begins with ./ or /')
    return Mount(kind=kind, source=source, target=target, read_only=read_only)


def parse_tmpfs(value: object) -> Mount:
    """A file system in memory at an absolute path.

    Raises:
        ValueError: it is not such a path.
    """
    if isinstance(value, Mount):
        return value
    return _mount("tmpfs", "", str(value), read_only=False)


def located(mount: Mount, *, project: str, base: Path) -> Mount:
    """The mount as the engine is asked for it: volumes are the project's own, as with Compose
    (``data`` is ``<project>_data``), relative sources start at ``base``."""
    if mount.kind == "volume" and mount.source:
        return mount.model_copy(update={"source": f"{project}_{mount.source}"})
    if mount.kind == "bind":
        source = Path(mount.source).expanduser()
        return mount.model_copy(update={"source": str((base / source).resolve())})
    return mount


MountOption = Annotated[Mount, BeforeValidator(parse_mount), WithJsonSchema(_SCHEMA)]
TmpfsOption = Annotated[Mount, BeforeValidator(parse_tmpfs), WithJsonSchema({"type": "string"})]
