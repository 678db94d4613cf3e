"""``publish:``: on which host ports the live release answers."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.ports.engine import Port


def parse_publish(value: int | str | Sequence[int | str], main: int | None) -> tuple[Port, ...]:
    """``8000``, ``"8000:5000"``, ``"127.0.0.1:8000:5000"`` or a list of such, as ports.

    A lone number is the host port of the app's ``main`` container port.

    Raises:
        ValueError: it is none of these, or a lone number without a main port.
    """
    items = [value] if isinstance(value, (int, str)) else list(value)
    return tuple(_one(str(item), main) for item in items)


def _one(text: str, main: int | None) -> Port:
    address, _, rest = text.rpartition("]:") if text.startswith("[") else ("", "", text)
    parts = rest.split(":")
    if address:
        parts = [address.removeprefix("["), *parts]
    match parts:
        case [host]:
            if main is None:
                raise ValueError(f"publish {text!r} names no container port: write HOST:CONTAINER")
            return Port(container=main, host_port=_port(host, text))
        case [host, container]:
            return Port(container=_port(container, text), host_port=_port(host, text))
        case [ip, host, container]:
            return Port(container=_port(container, text), host_port=_port(host, text), host_ip=ip)
    raise ValueError(f"{text!r} is no port to publish: write 8000, 8000:5000 or IP:8000:5000")


def _port(digits: str, text: str) -> int:
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= 65535:
        raise ValueError(f"{digits!r} in {text!r} is no port: a number from 1 to 65535")
    return int(digits)


def browse_url(ports: Sequence[Port], machine: str = "") -> str:
    """Where a person opens the app; empty without ports. ``machine`` serves it; this one without
    its name."""
    for port in ports:
        if port.protocol == "tcp" and port.host_port:
            anywhere = port.host_ip in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
            host = (machine or "localhost") if anywhere else port.host_ip
            return f"http://{f'[{host}]' if ':' in host else host}:{port.host_port}"
    return ""
