"""On which ports a container listens, as its own kernel says: for the reason why nobody answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.errors import DockcycleError
from pipeline.ports import Engine
from pipeline.scope import Scope

_FILES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENS = "0A"
_DNS = ipaddress.ip_address("127.0.0.11")
"""Docker's own name server, which listens in the containers of a user's network."""
_LIMIT = 3.0


@dataclass(frozen=True, order=True)
class Listener:
    """A port that the app listens on; ``private``: for programs in the same container only."""

    port: int
    private: bool

    def __str__(self) -> str:
        return f"{'127.0.0.1:' if self.private else ''}{self.port}"


@dataclass(frozen=True)
class Diagnosis:
    """Why nobody answers on a port. ``certain``: waiting does not help."""

    message: str
    hint: str
    certain: bool


def listeners(engine: Engine, container: str, scope: Scope) -> tuple[Listener, ...] | None:
    """Where a running container listens; None when it cannot be told (it has no ``cat``)."""
    try:
        limit = scope.child(_LIMIT, what="looking where the app listens")
        result = engine.exec(container, ["cat", *_FILES], limit)
    except DockcycleError:
        return None  # it may have ended meanwhile; whoever asks has a failure to tell already
    return parse(result.output) if "local_address" in result.output else None


def parse(text: str) -> tuple[Listener, ...]:
    """From the lines of /proc/net/tcp and tcp6, each port once."""
    found: dict[int, bool] = {}
    for port, private in _listening(text.splitlines()):
        found[port] = private and found.get(port, True)
    return tuple(sorted(Listener(port, private) for port, private in found.items()))


def diagnose(found: Iterable[Listener], port: int) -> Diagnosis | None:
    """Why nobody answers on ``port``; None when that cannot be seen from where it listens."""
    found = tuple(found)
    same = next((one for one in found if one.port == port), None)
    if same is not None and same.private:
        return Diagnosis(
            f"the app listens on 127.0.0.1:{port} only, which is out of reach from outside its "
            "container",
            f"Let it listen on 0.0.0.0:{port}.",
            certain=True,
        )
    if same is not None or not found:
        return None
    hint = f"Let it listen on 0.0.0.0:{port}; PORT={port} tells it so, unless `env:` says otherwise"
    if public := next((one for one in found if not one.private), None):
        hint += f". Or name its port: `run: {{port: {public.port}}}`"
    where = ", ".join(map(str, found))
    return Diagnosis(f"the app listens on {where}, not on {port}", f"{hint}.", certain=False)


def _listening(lines: Iterable[str]) -> Iterator[tuple[int, bool]]:
    for line in lines:
        fields = line.split()
        if len(fields) < 4 or fields[3] != _LISTENS:
            continue
        digits, _, port = fields[1].partition(":")
        address = _address(digits)
        if address != _DNS:
            yield int(port, 16), address.is_loopback


def _address(digits: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """As the kernel prints it: words of four bytes, each with its lowest byte first."""
    raw = bytes.fromhex(digits)
    turned = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    address = ipaddress.ip_address(turned)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
