"""Caddy's configuration for the gate. Pure.

As that of a front it never changes: who names which domain is told by the names of files in a
folder, which Caddy looks up at each request: ``DOMAIN@CONTAINER:PORT`` for one with HTTPS,
``DOMAIN=CONTAINER:PORT`` for one without. So no project's release closes a connection of another's.
Certificates are got at the first connection to a domain ("on demand"), and only for those that
have a file.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.kit.gate.acme import Acme
from pipeline.kit.gate.domains import HOME
from pipeline.kit.proxies import ANYBODY, PRIVATE

FOLDER = "/data/dockcycle"
"""In the gate's volume: one empty file for each domain."""
CONFIG = "/gate/config.json"
CERTIFICATES = "/data/caddy/certificates"
ROOT = "/gate/root.pem"
"""What an ACME server is trusted by; empty for the public ones."""
PATIENCE = "5s"
"""How long a front that does not listen is tried: it may just be made anew."""
_ASK = "127.0.0.1:9321"
"""In the container: where Caddy asks itself whether it may get a certificate."""
_SECURE, _PLAIN = "@", "="
_DEPTH = 4
"""Labels before a home name that have a certificate: ``a.b.c.d.localhost``."""

Json = dict[str, Any]


def entry(domain: str, to: str, *, secure: bool) -> str:
    """The name of the file that leads ``domain`` to ``to`` (``CONTAINER:PORT``)."""
    return f"{domain}{_SECURE if secure else _PLAIN}{to}"


def domain_of(entry: str) -> str:
    """The domain that it is about."""
    return re.split(f"[{_SECURE}{_PLAIN}]", entry, maxsplit=1)[0]


def is_secure(entry: str) -> bool:
    """Is it served over HTTPS?"""
    return entry.removeprefix(domain_of(entry)).startswith(_SECURE)


def configuration(acme: Acme, *, permission: bool) -> Json:
    """``permission``: Caddy 2.8 and newer have another word for whom to ask."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {
            "http": {
                "grace_period": "5s",
                "servers": {
                    "https": _server(
                        ":443", _known(_SECURE, _pass_on(PRIVATE)), tls_connection_policies=[{}]
                    ),
                    # Whoever ends TLS before us says who asked, and how.
                    "http": _server(
                        ":80", _known(_PLAIN, _pass_on(ANYBODY)), _known(_SECURE, _to_https())
                    ),
                    "ask": _server(
                        _ASK, _known(_SECURE, {"handler": "static_response"}, "uri.query.domain")
                    ),
                },
            },
            "tls": {"automation": _automation(acme, permission)},
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        },
    }


def _known(sign: str, handler: Json, by: str = "host") -> Json:
    """Does that for domains that have such a file."""
    known = {"file": {"root": FOLDER, "try_files": [f"/{{http.request.{by}}}{sign}*"]}}
    return {"match": [known], "handle": [handler], "terminal": True}


def _server(address: str, *routes: Json, **more: Any) -> Json:
    """For other domains there is nothing."""
    unknown = {"handler": "static_response", "status_code": 404}
    return {
        "listen": [address],
        "protocols": ["h1", "h2"],
        "automatic_https": {"disable": True},
        "routes": [
            {"handle": [{"handler": "headers", "response": {"delete": ["Server"]}}]},
            *routes,
            {"handle": [unknown]},
        ],
        **more,
    }


def _pass_on(trusted: tuple[str, ...]) -> Json:
    """``X-Forwarded-…`` of these is passed on."""
    signs = _SECURE + _PLAIN
    named = {
        "handler": "map",
        "source": "{http.matchers.file.relative}",
        "destinations": ["{gate.to}"],
        "mappings": [{"input_regexp": f"^/?[^{signs}]+[{signs}](.+)$", "outputs": ["${1}"]}],
    }
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": "{gate.to}"}],
        "trusted_proxies": list(trusted),
        "load_balancing": {"try_duration": PATIENCE, "try_interval": "50ms"},
        "transport": {"protocol": "http", "dial_timeout": "1s", "compression": False},
    }
    return {"handler": "subroute", "routes": [{"handle": [named, proxy]}]}


def _to_https() -> Json:
    return {
        "handler": "static_response",
        "status_code": 308,
        "headers": {"Location": ["https://{http.request.host}{http.request.uri}"]},
    }


def _automation(acme: Acme, permission: bool) -> Json:
    url = f"http://{_ASK}/"
    ask = {"permission": {"module": "http", "endpoint": url}} if permission else {"ask": url}
    chosen: Json = {k: v for k, v in (("ca", acme.ca), ("email", acme.email)) if v}
    if acme.root:
        chosen["trusted_roots_pem_files"] = [ROOT]
    home = [f"{'*.' * depth}{name}" for name in HOME for depth in range(_DEPTH + 1)]
    public: Json = {"on_demand": True}
    if chosen:
        public["issuers"] = [{"module": "acme", **chosen}]
    return {
        "on_demand": ask,
        "policies": [
            {"subjects": home, "issuers": [{"module": "internal"}], "on_demand": True},
            public,
        ],
    }
