"""GitLab: https://docs.gitlab.com/user/project/integrations/webhooks.

It sends a token of its own as it is; or, when the secret is a signing token (`whsec_…`), a
signature as Standard Webhooks has it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

from pipeline.server.senders.call import Call, Meaning, Pull, Push, get, nothing, same

SIGNING = "whsec_"
NEW_CODE = ("open", "reopen")


class GitLab:
    def recognises(self, call: Call) -> bool:
        return bool(call.header("x-gitlab-event"))

    def genuine(self, call: Call, secret: str) -> bool:
        if not secret.startswith(SIGNING):
            return same(call.header("x-gitlab-token"), secret)
        try:
            key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
        except binascii.Error:
            return False
        stamp = f"{call.header('webhook-id')}.{call.header('webhook-timestamp')}."
        digest = hmac.new(key, stamp.encode() + call.body, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(digest).decode()}"
        given = call.header("webhook-signature").split()
        return any([same(one, wanted) for one in given])  # noqa: C419 - all of them, always

    def key(self, call: Call) -> str:
        return call.header("idempotency-key") or call.header("x-gitlab-event-uuid")

    def read(self, call: Call) -> Meaning:
        data = call.payload()
        kind = get(data, "object_kind")
        if kind in ("push", "tag_push"):
            ref, commit = get(data, "ref"), get(data, "after")
            if nothing(commit):
                return Meaning(f"{ref} was deleted")
            return Meaning(f"push to {ref}", (Push(ref, str(data.get("checkout_sha") or commit)),))
        if kind == "merge_request":
            return _merge(data)
        return Meaning(f"event {kind}")


def _merge(data: dict[str, Any]) -> Meaning:
    facts = get(data, "object_attributes", of=dict)
    number, action = get(facts, "iid", of=int), str(facts.get("action"))
    what = f"merge request {number} {action}"
    if action not in NEW_CODE and not (action == "update" and facts.get("oldrev")):
        return Meaning(what)
    commit = get(facts, "last_commit", "id")
    foreign = facts.get("source_project_id") != facts.get("target_project_id")
    return Meaning(what, (Pull(number, f"refs/merge-requests/{number}/head", commit, foreign),))
