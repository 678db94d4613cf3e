"""Caddy's configuration for the gate. Pure.

As that of a front it never changes: who names which domain is told by the names of files in a
folder, ``DOMAIN@CONTAINER:PORT``, which Caddy looks up at each request. So no project's release
closes a connection of another's. Certificates are got at the first connection to a domain
("on demand"), and only for those that have a file.
"""

from __future__ import annotations

from typing import Any

from pipeline.kit.gate.domains import HOME

FOLDER = "/data/dockcycle"
"""In the gate's volume: one empty file for each domain."""
CONFIG = "/gate/config.json"
PATIENCE = "5s"
"""How long a front that does not listen is tried: it may just be made anew."""
_ASK = "127.0.0.1:9321"
"""In the container: where Caddy asks itself whether it may get a certificate."""
_DEPTH = 4
"""Labels before a home name that have a certificate: ``a.b.c.d.localhost``."""

Json = dict[str, Any]


def configuration(*, ca: str, email: str, permission: bool) -> Json:
    """``ca`` is the directory of an ACME server, ``email`` whom it may tell; empty for Caddy's own.
    ``permission``: Caddy 2.8 and newer have another word for whom to ask."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {
            "http": {
                "grace_period": "5s",
                "servers": {
                    "https": _server(":443", _pass_on(), tls_connection_policies=[{}]),
                    "http": _server(":80", _to_https()),
                    "ask": _server(_ASK, {"handler": "static_response"}, by="uri.query.domain"),
                },
            },
            "tls": {"automation": _automation(ca, email, permission)},
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        },
    }


def _server(address: str, handler: Json, *, by: str = "host", **more: Any) -> Json:
    """Does that for domains that have a file; there is nothing else."""
    known = {"file": {"root": FOLDER, "try_files": [f"/{{http.request.{by}}}@*"]}}
    unknown = {"handler": "static_response", "status_code": 404}
    return {
        "listen": [address],
        "protocols": ["h1", "h2"],
        "automatic_https": {"disable": True},
        "routes": [
            {"handle": [{"handler": "headers", "response": {"delete": ["Server"]}}]},
            {"match": [known], "handle": [handler], "terminal": True},
            {"handle": [unknown]},
        ],
        **more,
    }


def _pass_on() -> Json:
    named = {
        "handler": "map",
        "source": "{http.matchers.file.relative}",
        "destinations": ["{gate.to}"],
        "mappings": [{"input_regexp": "^/?[^@]+@(.+)$", "outputs": ["${1}"]}],
    }
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": "{gate.to}"}],
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


def _automation(ca: str, email: str, permission: bool) -> Json:
    url = f"http://{_ASK}/"
    ask = {"permission": {"module": "http", "endpoint": url}} if permission else {"ask": url}
    chosen = {key: value for key, value in (("ca", ca), ("email", email)) if value}
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
