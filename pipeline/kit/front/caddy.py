"""Caddy's configuration for a front. Pure.

It never changes while the front runs, since Caddy closes idle connections when it takes a new one,
and a request that is on its way then is lost. What changes is one file name: each request looks
into a folder for the container that it goes to, so a rename swaps releases.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.kit.proxies import PRIVATE

TRY_HEADER = "Dockcycle-Try"
"""``TOKEN/CONTAINER``: goes to that container, whatever is live. For trying out what is to come."""
LOOKS = 10
"""How often a request that finds nobody listening looks anew for who is live."""
PATIENCE = "1s"
"""How long it tries the one that it has found, each time."""
IDLE = "250ms"
"""How long a connection to the app is kept for the next request. Shorter than any app keeps it, so
that none is closed just as a request is sent; and soon gone when the app is to stop."""
Json = dict[str, Any]


def configuration(ports: Iterable[int], *, folder: str, token: str) -> Json:
    """Listens on ``ports`` (container ports of the app, which are its own) and passes requests on
    to the same port of the container that the one file in ``folder`` is named after."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {
            "http": {
                "grace_period": "5s",
                "servers": {f"port {port}": _server(port, folder, token) for port in ports},
            }
        },
    }


def _server(port: int, folder: str, token: str) -> Json:
    trying = {"header_regexp": {TRY_HEADER: {"name": "try", "pattern": f"^{token}/(.+)$"}}}
    return {
        "listen": [f":{port}"],
        "automatic_https": {"disable": True},
        "routes": [
            {"handle": [{"handler": "headers", "response": {"delete": ["Server"]}}]},
            {
                "match": [trying],
                "handle": [_proxy("{http.regexp.try.1}", port, "0s")],
                "terminal": True,
            },
            {"handle": [_pass_on(port, folder, LOOKS)]},
        ],
    }


def _pass_on(port: int, folder: str, looks: int) -> Json:
    """Find out who is live and pass the request on; where nobody listens, find out again."""
    # Asked twice, as a swap may come between Caddy's reading the folder and its seeing that file.
    live = {"file": {"root": folder, "try_files": ["/*"]}}
    named = {
        "handler": "map",
        "source": "{http.matchers.file.relative}",
        "destinations": ["{front.live}"],
        "mappings": [{"input_regexp": "^/?(.+)$", "outputs": ["${1}"]}],
    }
    subroute: Json = {
        "handler": "subroute",
        "routes": [
            {
                "match": [live, live],
                "handle": [named, _proxy("{front.live}", port, PATIENCE)],
                "terminal": True,
            },
            {"handle": [{"handler": "static_response", "status_code": 503}]},
        ],
    }
    if looks > 1:
        # Only what has not reached the app: anything else might be done twice.
        unsent = {"vars_regexp": {"{http.error.message}": {"pattern": "^dial "}}}
        told = {"handler": "error", "status_code": "{http.error.status_code}"}
        again = _pass_on(port, folder, looks - 1)
        subroute["errors"] = {
            "routes": [
                {"match": [unsent], "handle": [again], "terminal": True},
                {"handle": [told]},
            ]
        }
    return subroute


def _proxy(container: str, port: int, patience: str) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{container}:{port}"}],
        "load_balancing": {"try_duration": patience, "try_interval": "50ms"},
        "trusted_proxies": list(PRIVATE),
        "headers": {"request": {"delete": [TRY_HEADER]}},
        "transport": {
            "protocol": "http",
            "dial_timeout": "1s",
            "keep_alive": {"idle_timeout": IDLE},
            "compression": False,
        },
    }
