"""Are the host ports that an app wants free? Asked before anything is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pipeline.errors import PortTaken
from pipeline.kit.labels import select
from pipeline.kit.reach import is_here
from pipeline.ports.engine import Engine, Port
from pipeline.ports.http import Http

_ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def require_free(
    wanted: Iterable[Port], *, engine: Engine, http: Http, allowed: Collection[str] = ()
) -> None:
    """See that each of ``wanted`` can be bound, now or once the containers ``allowed`` (by name),
    whose place is taken, have stopped.

    Raises:
        PortTaken: one is in use; the message says by what, as far as that is known.
    """
    fixed = [port for port in wanted if port.host_port]
    if not fixed:
        return
    published = engine.published()
    here = is_here(engine.info().address)
    for port in fixed:
        holders = [name for name, held in published if _collide(port, held)]
        if others := [name for name in holders if name not in allowed]:
            raise _taken(port, f"the container {others[0]}", f"`docker stop {others[0]}`")
        if not holders and here and port.protocol == "tcp":
            host = "127.0.0.1" if port.host_ip in _ANYWHERE else port.host_ip
            if not http.port_free(host, port.host_port):
                raise _taken(port, "another program on this machine", "stop that program")


def require_free_for(project: str, wanted: Iterable[Port], *, engine: Engine, http: Http) -> None:
    """The same ahead of time: what the project itself runs will make room.

    Raises:
        PortTaken: one is in use by something else.
    """
    fixed = [port for port in wanted if port.host_port]
    if fixed:
        own = {container.name for container in engine.containers(select(project))}
        require_free(fixed, engine=engine, http=http, allowed=own)


def _collide(wanted: Port, held: Port) -> bool:
    if (wanted.host_port, wanted.protocol) != (held.host_port, held.protocol):
        return False
    return bool(_ANYWHERE & {wanted.host_ip, held.host_ip}) or wanted.host_ip == held.host_ip


def _taken(port: Port, holder: str, remedy: str) -> PortTaken:
    return PortTaken(
        f"port {port.host_port} is in use by {holder}",
        hint=f"Publish on another port, or {remedy}.",
    )
