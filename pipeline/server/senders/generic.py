"""Whoever can sign: a CI job, a script, curl.

The body is ``{"branch": "main"}`` or ``{"tag": "v1"}``, with ``"commit"`` if it is known; anything
else in it makes two calls different from each other.
"""

from __future__ import annotations

from pipeline.server.senders.call import Call, Meaning, NotUnderstood, Push, signed

HEADER = "x-dockcycle-signature"


class Generic:
    def recognises(self, call: Call) -> bool:
        return bool(call.header(HEADER))

    def genuine(self, call: Call, secret: str) -> bool:
        given = call.header(HEADER)
        return given.startswith("sha256=") and signed(call, secret, given.removeprefix("sha256="))

    def key(self, call: Call) -> str:
        return ""

    def read(self, call: Call) -> Meaning:
        data = call.payload()
        if data.get("ping"):
            return Meaning("ping", ping=True)
        branch, tag, commit = data.get("branch"), data.get("tag"), data.get("commit", "")
        if not isinstance(branch or tag, str) or (branch and tag) or not isinstance(commit, str):
            raise NotUnderstood('the body has neither {"branch": NAME} nor {"tag": NAME}')
        ref = f"refs/heads/{branch}" if branch else f"refs/tags/{tag}"
        return Meaning(f"call for {ref}", (Push(ref, commit),), asked=True)
