"""Each sender signs in its own way, and says the same things in its own words."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.server.config import SENDERS, SenderKind
from pipeline.server.senders import (
    KINDS,
    Call,
    Image,
    Meaning,
    NotUnderstood,
    Pull,
    Push,
    sender_of,
)
from tests.unit.server.payloads import (
    BEFORE,
    BITBUCKET_CENTER,
    BITBUCKET_CLOUD,
    BITBUCKET_PULL,
    COMMIT,
    DISTRIBUTION,
    DOCKER_HUB,
    GITEA_PULL,
    GITEA_PUSH,
    GITHUB_PULL,
    GITHUB_PUSH,
    GITLAB_MERGE,
    GITLAB_PUSH,
    GITLAB_TAG,
    HARBOR,
    ZEROS,
    body,
    digest,
    standard_webhook,
)

SECRET = "it-is-a-secret-to-everybody"
MAIN = (Push("refs/heads/main", COMMIT),)


def read(kind: SenderKind, payload: Any, **headers: str) -> Meaning:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    call = Call(named, payload if isinstance(payload, bytes) else body(payload))
    assert sender_of(call, SENDERS) is not None or kind == "registry"
    return KINDS[kind].read(call)


def test_the_vector_that_github_documents() -> None:
    signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    call = Call({"x-hub-signature-256": f"sha256={signature}"}, b"Hello, World!")

    assert KINDS["github"].genuine(call, "It's a Secret to Everybody")
    assert not KINDS["github"].genuine(call, "It's a secret to Everybody")


def signed(kind: SenderKind, data: bytes) -> dict[str, str]:
    """The header by which ``kind`` proves that it knows the secret."""
    mac = digest(SECRET, data)
    return {
        "github": {"x-hub-signature-256": f"sha256={mac}"},
        "gitea": {"x-gitea-signature": mac},
        "gitlab": {"x-gitlab-token": SECRET},
        "bitbucket": {"x-hub-signature": f"sha256={mac}"},
        "generic": {"x-dockcycle-signature": f"sha256={mac}"},
        "registry": {"authorization": f"Bearer {SECRET}"},
    }[kind]


@pytest.mark.parametrize("kind", SENDERS)
def test_only_who_knows_the_secret_is_believed(kind: SenderKind) -> None:
    data = body({"ref": "refs/heads/main"})
    headers = signed(kind, data)
    ((name, value),) = headers.items()

    assert KINDS[kind].genuine(Call(headers, data), SECRET)
    for wrong in ("", "sha256=", value[:-1], value.replace("e", "f"), value + "0", "é" + value):
        assert not KINDS[kind].genuine(Call({name: wrong}, data), SECRET), wrong
    assert not KINDS[kind].genuine(Call({}, data), SECRET)
    assert not KINDS[kind].genuine(Call(headers, data), SECRET + "x")
    if kind not in ("gitlab", "registry"):  # those two sign no body
        assert not KINDS[kind].genuine(Call(headers, data + b" "), SECRET)


def test_gitlab_signs_as_standard_webhooks_do_when_it_has_a_signing_token() -> None:
    key, data = bytes(range(32)), body(GITLAB_PUSH)
    secret = f"whsec_{base64.b64encode(key).decode()}"
    good = standard_webhook(key, "msg_1", "1795500000", data)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1795500000"}

    genuine = KINDS["gitlab"].genuine
    assert genuine(Call({**headers, "webhook-signature": f"v1,AAAA {good}"}, data), secret)
    assert not genuine(Call({**headers, "webhook-signature": good}, data + b" "), secret)
    assert not genuine(Call({**headers, "x-gitlab-token": secret}, data), secret)
    assert not genuine(Call({**headers, "webhook-signature": good}, data), "whsec_not base64")


def test_pushes() -> None:
    assert read("github", GITHUB_PUSH, x_github_event="push").items == MAIN
    assert read("gitea", GITEA_PUSH, x_gitea_event="push").items == MAIN
    assert read("gitea", GITEA_PUSH, x_forgejo_event="push").items == MAIN
    assert read("gitlab", GITLAB_PUSH, x_gitlab_event="Push Hook").items == MAIN
    assert read("bitbucket", BITBUCKET_CLOUD, x_event_key="repo:push").items == MAIN
    assert read("bitbucket", BITBUCKET_CENTER, x_event_key="repo:refs_changed").items == MAIN
    generic = read("generic", {"branch": "main", "commit": COMMIT}, x_dockcycle_signature="x")
    assert (generic.items, generic.asked) == (MAIN, True)


def test_a_body_may_come_as_a_form() -> None:
    form = b"payload=%7B%22ref%22%3A%22refs%2Ftags%2Fv1%22%2C%22after%22%3A%22" + COMMIT.encode()
    found = read("github", form + b"%22%7D", x_github_event="push")
    assert found.items == (Push("refs/tags/v1", COMMIT),)


def test_a_tag_stands_for_its_commit() -> None:
    tag = read("gitlab", GITLAB_TAG, x_gitlab_event="Tag Push Hook")
    assert tag.items == (Push("refs/tags/v1.0.0", COMMIT),)


def test_what_was_deleted_is_nothing_to_run() -> None:
    gone = GITHUB_PUSH | {"after": ZEROS, "deleted": True}
    assert read("github", gone, x_github_event="push").items == ()
    gone = GITLAB_PUSH | {"after": ZEROS, "checkout_sha": None}
    assert read("gitlab", gone, x_gitlab_event="Push Hook").items == ()


def test_pull_requests_tell_whether_they_come_from_elsewhere() -> None:
    found = read("github", GITHUB_PULL, x_github_event="pull_request")
    assert found.items == (Pull(7, "refs/pull/7/head", COMMIT, foreign=True),)
    found = read("gitea", GITEA_PULL, x_gitea_event="pull_request")
    assert found.items == (Pull(7, "refs/pull/7/head", COMMIT, foreign=True),)
    found = read("gitlab", GITLAB_MERGE, x_gitlab_event="Merge Request Hook")
    assert found.items == (Pull(3, "refs/merge-requests/3/head", COMMIT, foreign=True),)

    found = read("bitbucket", BITBUCKET_PULL, x_event_key="pullrequest:updated")
    assert found == Meaning("event pullrequest:updated")
    closed = GITHUB_PULL | {"action": "closed"}
    assert read("github", closed, x_github_event="pull_request").items == ()


def test_registries_tell_of_images() -> None:
    found = read("registry", DISTRIBUTION, authorization="Bearer x")
    assert found.items == (Image(("acme/base:3.13", "registry.example.com:5000/acme/base:3.13")),)
    (image,) = read("registry", DOCKER_HUB, authorization="Bearer x").items
    assert isinstance(image, Image)
    assert {"python:3.13-slim", "docker.io/library/python:3.13-slim"} < set(image.names)
    (image,) = read("registry", HARBOR, authorization="Bearer x").items
    assert image == Image(("acme/base:3.13", "harbor.example.com/acme/base:3.13"))


def test_pings_and_other_events() -> None:
    assert read("github", {"zen": "Keep it logically awesome."}, x_github_event="ping").ping
    assert read("bitbucket", {"test": True}, x_event_key="diagnostics:ping").ping
    assert read("github", {"action": "created"}, x_github_event="star").items == ()


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"1", b"{", b"[" * 100_000, b'{"ref": 1}', b'{"ref": "x"}']
)
@pytest.mark.parametrize("kind", ["github", "gitlab", "bitbucket", "registry", "generic"])
def test_what_has_another_form_is_told_so(kind: SenderKind, data: bytes) -> None:
    headers = {"x-github-event": "push", "x-event-key": "repo:push"}
    with pytest.raises(NotUnderstood):
        KINDS[kind].read(Call(headers, data))


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data if isinstance(data, list) else ())
    )
    for key, inner in children:
        yield from places(inner, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = data.copy()
    made[path[0]] = replaced(data[path[0]], path[1:], value)
    return made


@pytest.mark.parametrize(
    ("kind", "payload", "headers"),
    [
        ("github", GITHUB_PUSH, {"x-github-event": "push"}),
        ("github", GITHUB_PULL, {"x-github-event": "pull_request"}),
        ("gitea", GITEA_PULL, {"x-gitea-event": "pull_request"}),
        ("gitlab", GITLAB_PUSH, {}),
        ("gitlab", GITLAB_MERGE, {}),
        ("bitbucket", BITBUCKET_CLOUD, {"x-event-key": "repo:push"}),
        ("bitbucket", BITBUCKET_CENTER, {"x-event-key": "repo:refs_changed"}),
        ("registry", DISTRIBUTION, {}),
        ("registry", DOCKER_HUB, {}),
        ("registry", HARBOR, {}),
        ("generic", {"branch": "main", "commit": COMMIT}, {}),
    ],
)
def test_anything_anywhere_is_understood_or_refused(
    kind: SenderKind, payload: Any, headers: dict[str, str]
) -> None:
    for path in places(payload):
        for value in (None, True, 0, -1.5, "", "x\x00\ud800", [], [1], {}, {"type": "branch"}):
            data = json.dumps(replaced(payload, path, value)).encode()
            with contextlib.suppress(NotUnderstood):
                meaning = KINDS[kind].read(Call(headers, data))
                assert isinstance(meaning, Meaning)


def test_gitea_is_not_taken_for_github_whose_headers_it_sends_too() -> None:
    both = Call({"x-github-event": "push", "x-gitea-event": "push"}, b"")
    assert [sender_of(both, allowed) for allowed in (("github",), ("gitea",), SENDERS)] == [
        ("github", KINDS["github"]), ("gitea", KINDS["gitea"]), ("gitea", KINDS["gitea"]),
    ]  # fmt: skip
    assert sender_of(Call({}, b""), SENDERS) is None


def test_a_repetition_is_known_by_the_senders_own_number() -> None:
    assert KINDS["github"].key(Call({"x-github-delivery": "72d3162e"}, b"")) == "72d3162e"
    again = {"idempotency-key": "one", "x-gitlab-event-uuid": "other"}
    assert KINDS["gitlab"].key(Call(again, b"")) == "one"
    assert KINDS["registry"].key(Call({}, body(BEFORE))) == ""
