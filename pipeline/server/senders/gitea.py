"""Gitea, Forgejo and Gogs: https://docs.gitea.com/usage/webhooks."""

from __future__ import annotations

from pipeline.server.senders.call import Call, Meaning, signed
from pipeline.server.senders.github import read_event

_FLAVOURS = ("gitea", "forgejo", "gogs")


class Gitea:
    def recognises(self, call: Call) -> bool:
        return bool(_header(call, "event"))

    def genuine(self, call: Call, secret: str) -> bool:
        return signed(call, secret, _header(call, "signature"))

    def key(self, call: Call) -> str:
        return _header(call, "delivery")

    def read(self, call: Call) -> Meaning:
        return read_event(_header(call, "event"), call.payload())


def _header(call: Call, name: str) -> str:
    return next(filter(None, (call.header(f"x-{one}-{name}") for one in _FLAVOURS)), "")
