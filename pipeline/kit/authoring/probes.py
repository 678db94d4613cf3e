"""Health checks out of what a base image has: each asks the app on ``PORT``, and is an argv."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.sources import Found

Probe = Callable[[str], Sequence[str]]
"""From a path to an argv."""

LISTENS = (
    "sh", "-c",
    'grep -qs ":$(printf %04X "$PORT") [0-9A-F]*:0000 0A" /proc/net/tcp /proc/net/tcp6',
)  # fmt: skip
"""For an app without a route to ask: the kernel knows whether anybody listens (state 0A), and
servers that take one connection at a time, or log each, are not disturbed."""


def choose(probe: Probe, route: Found | None, reasons: Reasons) -> Sequence[str]:
    """The check of ``route``, if there is one, with the reason."""
    if route is None:
        reasons.note("health", "its port", "no route of a usual name was found")
        return LISTENS
    reasons.note("health", route.value, "a route of that name", route.file, line=route.line)
    return probe(route.value)


def busybox(path: str) -> Sequence[str]:
    return ("sh", "-c", f'wget -q -T 2 -O /dev/null "http://127.0.0.1:$PORT{path}"')


def bash(path: str) -> Sequence[str]:
    connect = 'exec 3<> "/dev/tcp/127.0.0.1/$PORT"'
    ask = rf"printf 'GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3"
    return ("bash", "-c", f"{connect} && {ask} && read -r _ status _ <&3 && (( status < 500 ))")


def php(path: str) -> Sequence[str]:
    url = f"'http://127.0.0.1:' . getenv('PORT') . '{path}'"
    return ("php", "-r", f"exit(@file_get_contents({url}) === false ? 1 : 0);")


def ruby(path: str) -> Sequence[str]:
    get = f"Net::HTTP.get_response('127.0.0.1', '{path}', ENV['PORT'].to_i)"
    return ("ruby", "-rnet/http", "-e", f"exit {get}.code.to_i < 500")


def deno(path: str) -> Sequence[str]:
    get = f"(await fetch('http://127.0.0.1:' + Deno.env.get('PORT') + '{path}')).status"
    return ("deno", "eval", f"Deno.exit({get} < 500 ? 0 : 1)")
