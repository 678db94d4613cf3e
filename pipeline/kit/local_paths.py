"""What a specification takes from this machine's files, and another engine would not have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.kit.compose_model import services
from pipeline.ports.engine import ContainerSpec


def local_paths(spec: ContainerSpec, project: Path) -> list[str]:
    """Bind mounts of what is in the project's folder. Others may be meant as the server's own."""
    binds = (mount.source for mount in spec.mounts if mount.kind == "bind")
    return [source for source in binds if Path(source).is_relative_to(project)]


def local_paths_of(model: Mapping[str, Any], project: Path) -> list[str]:
    """The same of a resolved Compose model, with the files of its configs and secrets, which
    Compose would mount from here in any case."""
    used = services(model).values()
    mounts = [m for service in used for m in service.get("volumes") or () if isinstance(m, Mapping)]
    binds = [str(m.get("source")) for m in mounts if m.get("type") == "bind"]
    inside = [source for source in binds if Path(source).is_relative_to(project)]
    return list(dict.fromkeys([*inside, *_files(model)]))


def _files(model: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("configs", "secrets"):
        for item in (model.get(kind) or {}).values():
            if isinstance(item, Mapping) and item.get("file"):
                yield str(item["file"])
