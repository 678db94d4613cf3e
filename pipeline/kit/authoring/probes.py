"""Health checks out of what a base image has: each asks the app on ``PORT``, and is an argv."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.sources import Found

Probe = Callable[[str | None], Sequence[str]]
"""From a path to an argv; without a path it is enough that the port is open."""


def choose(probe: Probe, route: Found | None, reasons: Reasons) -> Sequence[str]:
    """The check of ``route``, if there is one, with the reason."""
    if route is None:
        reasons.note("health", "its port", "no route of a usual name was found")
        return probe(None)
    reasons.note("health", route.value, "a route of that name", route.file, line=route.line)
    return probe(route.value)


def busybox(path: str | None) -> Sequence[str]:
    """Its ``nc`` may wait for an answer, so the kernel is asked whether anybody listens."""
    if path is None:
        listens = '":$(printf %04X "$PORT") [0-9A-F]*:0000 0A"'
        return ("sh", "-c", f"grep -qs {listens} /proc/net/tcp /proc/net/tcp6")
    return ("sh", "-c", f'wget -q -T 2 -O /dev/null "http://127.0.0.1:$PORT{path}"')


def bash(path: str | None) -> Sequence[str]:
    connect = 'exec 3<> "/dev/tcp/127.0.0.1/$PORT"'
    if path is None:
        return ("bash", "-c", connect)
    ask = rf"printf 'GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3"
    return ("bash", "-c", f"{connect} && {ask} && read -r _ status _ <&3 && (( status < 500 ))")


def php(path: str | None) -> Sequence[str]:
    if path is None:
        return ("php", "-r", "exit(@fsockopen('127.0.0.1', (int) getenv('PORT')) ? 0 : 1);")
    url = f"'http://127.0.0.1:' . getenv('PORT') . '{path}'"
    return ("php", "-r", f"exit(@file_get_contents({url}) === false ? 1 : 0);")


def ruby(path: str | None) -> Sequence[str]:
    if path is None:
        return ("ruby", "-rsocket", "-e", "TCPSocket.new('127.0.0.1', ENV['PORT'])")
    get = f"Net::HTTP.get_response('127.0.0.1', '{path}', ENV['PORT'].to_i)"
    return ("ruby", "-rnet/http", "-e", f"exit {get}.code.to_i < 500")


def deno(path: str | None) -> Sequence[str]:
    port = "Deno.env.get('PORT')"
    if path is None:
        connect = f"await Deno.connect({{ hostname: '127.0.0.1', port: Number({port}) }})"
        return ("deno", "eval", connect)
    get = f"(await fetch('http://127.0.0.1:' + {port} + '{path}')).status"
    return ("deno", "eval", f"Deno.exit({get} < 500 ? 0 : 1)")
