"""The docker command's plugins (buildx, compose), found where the docker command looks."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path

from pipeline.adapters.docker.endpoint import read_config

_SYSTEM = (
    "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins",
)  # fmt: skip
_TIMEOUT = 10.0


def find_plugin(name: str, config: Path) -> Path | None:
    """The executable of the plugin that ``docker NAME`` would run."""
    extra = read_config(config).get("cliPluginsExtraDirs") or ()
    for folder in (*extra, config / "cli-plugins", *_SYSTEM):
        path = Path(folder) / f"docker-{name}"
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def plugin_version(name: str, config: Path) -> str | None:
    """Such as ``0.13.1``; None when there is no such plugin or it does not run."""
    path = find_plugin(name, config)
    return _version(path, path.stat().st_mtime_ns) if path else None


@functools.lru_cache
def _version(path: Path, _changed: int) -> str | None:
    argv = [str(path), "docker-cli-plugin-metadata"]
    try:
        answer = subprocess.run(argv, capture_output=True, timeout=_TIMEOUT, check=True)
        version = json.loads(answer.stdout)["Version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return str(version).removeprefix("v").partition("+")[0]
