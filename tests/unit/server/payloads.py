"""What the senders send, in the shape that they document, with what nobody reads left out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
BEFORE = "9049f1265b7d61be4a8904a9a27120d2064dab3b"
ZEROS = "0" * 40

GITHUB_PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": BEFORE,
    "after": COMMIT,
    "created": False,
    "deleted": False,
    "forced": False,
    "compare": "https://github.com/acme/hello/compare/9049f1265b7d...6113728f27ae",
    "commits": [
        {"id": COMMIT, "message": "Greet", "added": [], "modified": ["app.py"], "removed": []}
    ],
    "repository": {"id": 186853002, "name": "hello", "full_name": "acme/hello", "private": False},
    "pusher": {"name": "mona", "email": "mona@example.com"},
    "sender": {"login": "mona", "id": 21031067, "type": "User"},
}
GITHUB_PULL: dict[str, Any] = {
    "action": "synchronize",
    "number": 7,
    "pull_request": {
        "number": 7,
        "head": {"ref": "patch-1", "sha": COMMIT, "repo": {"full_name": "mallory/hello"}},
        "base": {"ref": "main", "sha": BEFORE, "repo": {"full_name": "acme/hello"}},
    },
    "repository": {"full_name": "acme/hello"},
}
GITLAB_PUSH: dict[str, Any] = {
    "object_kind": "push",
    "event_name": "push",
    "before": BEFORE,
    "after": COMMIT,
    "ref": "refs/heads/main",
    "ref_protected": True,
    "checkout_sha": COMMIT,
    "user_username": "mona",
    "project": {"id": 15, "path_with_namespace": "acme/hello"},
    "commits": [{"id": COMMIT, "message": "Greet", "modified": ["app.py"]}],
    "total_commits_count": 1,
}
GITLAB_TAG: dict[str, Any] = {
    "object_kind": "tag_push",
    "before": ZEROS,
    "after": BEFORE,  # of the annotated tag itself
    "ref": "refs/tags/v1.0.0",
    "checkout_sha": COMMIT,
    "project": {"id": 15, "path_with_namespace": "acme/hello"},
}
GITLAB_MERGE: dict[str, Any] = {
    "object_kind": "merge_request",
    "object_attributes": {
        "iid": 3,
        "action": "open",
        "source_project_id": 16,
        "target_project_id": 15,
        "last_commit": {"id": COMMIT},
    },
}
GITEA_PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": BEFORE,
    "after": COMMIT,
    "compare_url": "https://gitea.example.com/acme/hello/compare/9049f1265b7d...6113728f27ae",
    "commits": [{"id": COMMIT, "message": "Greet", "added": [], "modified": ["app.py"]}],
    "repository": {"full_name": "acme/hello", "clone_url": "https://gitea.example.com/acme/hello"},
    "pusher": {"login": "mona"},
}
GITEA_PULL: dict[str, Any] = {
    "action": "synchronized",
    "number": 7,
    "pull_request": {
        "number": 7,
        "state": "open",
        "head": {"ref": "patch-1", "sha": COMMIT, "repo": {"full_name": "mallory/hello"}},
        "base": {"ref": "main", "sha": BEFORE, "repo": {"full_name": "acme/hello"}},
    },
    "repository": {"full_name": "acme/hello"},
}
BITBUCKET_PULL: dict[str, Any] = {
    "repository": {"full_name": "acme/hello"},
    "pullrequest": {
        "id": 7,
        "state": "OPEN",
        "source": {
            "branch": {"name": "patch-1"},
            "commit": {"hash": COMMIT[:12]},
            "repository": {"full_name": "mallory/hello"},
        },
        "destination": {"branch": {"name": "main"}, "repository": {"full_name": "acme/hello"}},
    },
}
BITBUCKET_CLOUD: dict[str, Any] = {
    "actor": {"type": "user", "nickname": "mona"},
    "repository": {"full_name": "acme/hello"},
    "push": {
        "changes": [
            {
                "new": {"type": "branch", "name": "main", "target": {"hash": COMMIT}},
                "old": {"type": "branch", "name": "main", "target": {"hash": BEFORE}},
                "created": False,
                "closed": False,
                "forced": False,
            },
            {
                "new": None,
                "old": {"type": "branch", "name": "gone", "target": {"hash": BEFORE}},
                "closed": True,
            },
        ]
    },
}
BITBUCKET_CENTER: dict[str, Any] = {
    "eventKey": "repo:refs_changed",
    "actor": {"name": "mona"},
    "repository": {"slug": "hello", "project": {"key": "ACME"}},
    "changes": [
        {
            "ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"},
            "refId": "refs/heads/main",
            "fromHash": BEFORE,
            "toHash": COMMIT,
            "type": "UPDATE",
        }
    ],
}
DISTRIBUTION: dict[str, Any] = {
    "events": [
        {
            "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
            "action": "push",
            "target": {"repository": "acme/base", "tag": "3.13", "digest": "sha256:fea8895f"},
            "request": {"host": "registry.example.com:5000", "method": "PUT"},
        },
        {
            "id": "b7a8c1d2-0000-430f-8bb6-4ca139cd83f7",
            "action": "push",
            "target": {"repository": "acme/base", "digest": "sha256:aaaa"},
        },
        {"id": "x", "action": "pull", "target": {"repository": "acme/base", "tag": "3.13"}},
    ]
}
DOCKER_HUB: dict[str, Any] = {
    "callback_url": "https://registry.hub.docker.com/u/library/python/hook/1/",
    "push_data": {"pushed_at": 1582439665, "pusher": "mona", "tag": "3.13-slim"},
    "repository": {"name": "python", "namespace": "library", "repo_name": "library/python"},
}
HARBOR: dict[str, Any] = {
    "type": "PUSH_ARTIFACT",
    "event_data": {
        "resources": [{"tag": "3.13", "resource_url": "harbor.example.com/acme/base:3.13"}]
    },
}


def body(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def digest(secret: str, data: bytes) -> str:
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def standard_webhook(key: bytes, number: str, stamp: str, data: bytes) -> str:
    made = hmac.new(key, f"{number}.{stamp}.".encode() + data, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def github(secret: str, payload: Any, event: str = "push", delivery: str = "1") -> dict[str, Any]:
    """Arguments for a request as GitHub makes it."""
    data = body(payload)
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={digest(secret, data)}",
    }
    return {"content": data, "headers": headers}
