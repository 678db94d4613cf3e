"""Who sends deliveries: how each one signs, and what it says.

A delivery is believed only after its signature has been checked over the bytes that came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.server.config import SenderKind
from pipeline.server.senders import bitbucket, generic, gitea, github, gitlab, registry
from pipeline.server.senders.call import Call, Image, Meaning, NotUnderstood, Pull, Push, Sender

KINDS: Mapping[SenderKind, Sender] = {
    "gitea": gitea.Gitea(),  # before GitHub, whose headers it sends as well
    "github": github.GitHub(),
    "gitlab": gitlab.GitLab(),
    "bitbucket": bitbucket.Bitbucket(),
    "generic": generic.Generic(),
    "registry": registry.Registry(),  # the last one, since it has no mark of its own
}


def sender_of(call: Call, allowed: Sequence[SenderKind]) -> tuple[SenderKind, Sender] | None:
    """The one of those ``allowed`` that a call has the marks of."""
    for kind, sender in KINDS.items():
        if kind in allowed and sender.recognises(call):
            return kind, sender
    return None


__all__ = [
    "KINDS", "Call", "Image", "Meaning", "NotUnderstood", "Pull", "Push", "Sender", "sender_of",
]  # fmt: skip
