"""GitHub: https://docs.github.com/webhooks."""

from __future__ import annotations

from typing import Any

from pipeline.server.senders.call import Call, Meaning, Pull, Push, find, get, nothing, signed

NEW_CODE = ("opened", "synchronize", "synchronized", "reopened")
"""Of a pull request; Gitea and Forgejo say `synchronized`."""


class GitHub:
    def recognises(self, call: Call) -> bool:
        return bool(call.header("x-github-event"))

    def genuine(self, call: Call, secret: str) -> bool:
        given = call.header("x-hub-signature-256")
        return given.startswith("sha256=") and signed(call, secret, given.removeprefix("sha256="))

    def key(self, call: Call) -> str:
        return call.header("x-github-delivery")

    def read(self, call: Call) -> Meaning:
        event, data = call.header("x-github-event"), call.payload()
        if event == "ping":
            return Meaning("ping", ping=True)
        return read_event(event, data)


def read_event(event: str, data: dict[str, Any]) -> Meaning:
    """A push or pull request in the form that GitHub gave to others."""
    if event == "push":
        ref, commit = get(data, "ref"), get(data, "after")
        if nothing(commit):
            return Meaning(f"{ref} was deleted")
        return Meaning(f"push to {ref}", (Push(ref, commit),))
    if event == "pull_request":
        return _pull(data)
    return Meaning(f"event {event}")


def _pull(data: dict[str, Any]) -> Meaning:
    action, number = get(data, "action"), get(data, "number", of=int)
    what = f"pull request {number} {action}"
    if action not in NEW_CODE:
        return Meaning(what)
    commit = get(data, "pull_request", "head", "sha")
    ours = get(data, "pull_request", "base", "repo", "full_name")
    theirs = find(data, "pull_request", "head", "repo", "full_name")  # gone with a deleted fork
    pull = Pull(number, f"refs/pull/{number}/head", commit, foreign=theirs != ours)
    return Meaning(what, (pull,))
