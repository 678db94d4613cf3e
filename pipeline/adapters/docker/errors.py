"""Where foreign exceptions stop: what Docker, requests and sockets raise, in our own terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import (
    DockcycleError,
    EngineRefused,
    EngineUnavailable,
    NotFound,
    PortTaken,
    RegistryDenied,
    RegistryUnavailable,
)

INSTALL = "https://docs.docker.com/engine/install/"
_PORT = re.compile(
    r"(?:Bind for|listen (?:tcp|udp)[46]?) (?P<host>\S*):(?P<port>\d+)"
    r"|exposing port (?:TCP|UDP) (?P<desktop_host>\S*):(?P<desktop_port>\d+)"
)
_PORT_TAKEN = ("port is already allocated", "address already in use", "ports are not available")
_DENIED = re.compile(
    r"\b(?:401|403)\b|unauthorized|forbidden|denied|authentication required|no basic auth"
    r"|incorrect username or password|insufficient_scope",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"manifest unknown|manifest for .* not found|not found: manifest|name unknown"
    r"|repository .* not found|: not found$|does not exist",
    re.IGNORECASE,
)


@contextmanager
def docker_errors(address: str) -> Iterator[None]:
    """Translate whatever a call to the engine at ``address`` raises.

    Raises:
        NotFound: HTTP 404.
        PortTaken: a host port is in use.
        EngineRefused: any other answer that is an error.
        EngineUnavailable: no answer.
    """
    import docker.errors
    import requests
    import urllib3.exceptions

    try:
        yield
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        raise refusal(error.status_code or 0, text) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise unavailable(address, error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise unavailable(address, error) from error


def refusal(status: int, text: str) -> DockcycleError:
    """The engine's own no."""
    if any(sign in text for sign in _PORT_TAKEN):
        return port_taken(text)
    if status == 404:
        return NotFound(text)
    return EngineRefused(text)


def taken_port(text: str) -> int | None:
    """The host port that the engine complains about."""
    match = _PORT.search(text)
    return int(match["port"] or match["desktop_port"]) if match else None


def port_taken(text: str, holder: str = "") -> PortTaken:
    """``holder`` is the container that has the port, if that is known."""
    port = taken_port(text)
    name = f"host port {port}" if port else "a host port"
    who = f"the container {holder}" if holder else "something else"
    hint = (
        f"Stop it (`docker stop {holder}`), or choose another port." if holder
        else f"`ss -ltnp 'sport = :{port}'` shows what has it; stop that or choose another port."
        if port else "Choose another port."
    )  # fmt: skip
    return PortTaken(f"{name} is in use by {who}", hint=hint, detail=text)


def unavailable(address: str, error: BaseException) -> EngineUnavailable:
    """No answer, with what to do about it."""
    text = f"{error} {error.__cause__ or ''} {error.__context__ or ''}"
    if address.startswith("ssh://"):
        return EngineUnavailable(
            f"the Docker engine at {address} cannot be reached",
            hint=f"See whether `ssh {address} docker version` works without a question: ssh needs "
            "a key that is known there, and that machine's own key in known_hosts.",
            detail=str(error),
        )
    if "Permission denied" in text:
        return EngineUnavailable(
            f"no permission to use the Docker engine at {address}",
            hint="Add yourself to its group: `sudo usermod -aG docker $USER`, then log in again.",
        )
    if "FileNotFoundError" in text or "No such file" in text or "refused" in text.lower():
        return EngineUnavailable(
            f"no Docker engine answers at {address}",
            hint="Start it (`sudo systemctl start docker`, or Docker Desktop), install it "
            f"({INSTALL}), or point DOCKER_HOST or `docker context use` at another one.",
        )
    return EngineUnavailable(
        f"the Docker engine at {address} stopped answering",
        hint="See whether it runs: `docker info`; its log: `journalctl -u docker`.",
        detail=str(error),
    )


def frozen(address: str, seconds: float) -> EngineUnavailable:
    """It takes connections and does not answer."""
    return EngineUnavailable(
        f"the Docker engine at {address} does not answer (waited {seconds:.0f} s)",
        hint="It may hang or be overloaded: `docker info` should answer at once. Restart it "
        "(`sudo systemctl restart docker`).",
    )


def registry_error(ref: str, text: str) -> DockcycleError:
    """What the engine reports of a registry while it pulls or pushes ``ref``."""
    host = ref.split("/")[0] if "/" in ref and re.search(r"[.:]|^localhost$", ref.split("/")[0]) \
        else "docker.io"  # fmt: skip
    if "does not exist locally" in text:
        return NotFound(f"the engine has no image {ref}", detail=text)
    if _DENIED.search(text):
        login = "docker login" if host == "docker.io" else f"docker login {host}"
        return RegistryDenied(
            f"the registry {host} denies access to {ref}",
            hint=f"`{login}` with an account that may do this, or correct the credentials.",
            detail=text,
        )
    if _MISSING.search(text):
        return NotFound(
            f"the registry {host} has no {ref}", hint="Check name and tag.", detail=text
        )
    return RegistryUnavailable(
        f"the registry {host} does not do its work for {ref}",
        hint="See whether it runs and can be reached from the engine; then run again.",
        detail=text,
    )
