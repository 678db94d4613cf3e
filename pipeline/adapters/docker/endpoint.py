"""Which engine: found as the docker command finds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import EngineUnavailable

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
DEFAULT_CONTEXT = "default"


@dataclass(frozen=True)
class Tls:
    """Client certificates; paths, None where there is no such file."""

    ca: str | None
    cert: str | None
    key: str | None
    verify: bool


@dataclass(frozen=True)
class Endpoint:
    """Where the engine is and how to speak to it."""

    address: str
    """``unix:///…``, ``ssh://…``, ``tcp://…``."""
    config: Path
    """The docker command's config folder."""
    context: str = DEFAULT_CONTEXT
    tls: Tls | None = None

    def environment(self) -> dict[str, str]:
        """Variables that make the docker command, and its plugins, speak to this very engine."""
        named = self.context != DEFAULT_CONTEXT
        return {
            "DOCKER_CONFIG": str(self.config),
            "DOCKER_CONTEXT": self.context if named else "",
            "DOCKER_HOST": "" if named else self.address,
        }


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """``DOCKER_HOST``, else ``DOCKER_CONTEXT``, else the config's current context, else the
    default socket.

    Raises:
        EngineUnavailable: the context that is named does not exist or cannot be read.
    """
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    config = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    if address := environ.get("DOCKER_HOST"):
        return Endpoint(_normal(address), config, tls=_tls_of_environment(environ, config))
    name = environ.get("DOCKER_CONTEXT") or _current_context(config)
    if name == DEFAULT_CONTEXT:
        return Endpoint(DEFAULT_ADDRESS, config)
    return _of_context(name, config)


def read_config(config: Path) -> dict[str, Any]:
    """The docker command's ``config.json``; empty when there is none or it is no JSON object."""
    try:
        content = json.loads((config / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _current_context(config: Path) -> str:
    name = read_config(config).get("currentContext")
    return name if isinstance(name, str) and name else DEFAULT_CONTEXT


def _of_context(name: str, config: Path) -> Endpoint:
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / key / "meta.json"
    try:
        docker = json.loads(meta.read_text(encoding="utf-8"))["Endpoints"]["docker"]
        address = docker.get("Host") or DEFAULT_ADDRESS
    except FileNotFoundError as error:
        raise EngineUnavailable(
            f"the docker context {name!r} does not exist",
            hint="`docker context ls` lists them, `docker context use NAME` chooses one.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(
            f"the docker context {name!r} cannot be read from {meta}",
            hint=f"`docker context inspect {name}` shows what is wrong with it.",
        ) from error
    material = config / "contexts" / "tls" / key / "docker"
    tls = _tls(material, verify=not docker.get("SkipTLSVerify")) if material.is_dir() else None
    return Endpoint(_normal(address), config, name, tls)


def _tls_of_environment(environ: Mapping[str, str], config: Path) -> Tls | None:
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    return _tls(Path(environ.get("DOCKER_CERT_PATH") or config), verify=verify)


def _tls(folder: Path, *, verify: bool) -> Tls:
    paths = [folder / f"{name}.pem" for name in ("ca", "cert", "key")]
    ca, cert, key = (str(path) if path.is_file() else None for path in paths)
    return Tls(ca, cert, key, verify)


def _normal(address: str) -> str:
    return address if "://" in address else f"tcp://{address}"
