"""Telling people: who, how often, and what happens when they cannot be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.adapters.shell import LocalShell
from pipeline.errors import UsageError
from pipeline.kit.notifying import Hook, Message, Sender, forget, publish, read
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Journal

DEGRADED = Message(
    event="degraded", text="hello app is degraded: it ended", project="hello", service="app",
    release="r3", reason="it ended", at=1.5,
)  # fmt: skip


@dataclass
class Receiver:
    """Answers with each of ``answers`` in turn: a status, or no answer at all."""

    answers: Sequence[int | None] = (200,)
    got: list[HttpRequest] = field(default_factory=list)

    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        answer = self.answers[min(len(self.got), len(self.answers) - 1)]
        self.got.append(request)
        if answer is None:
            raise HttpFailure("nothing listens on example.com:443", kind="absent")
        return HttpResponse(status=answer, headers={}, body=b"", seconds=0.1)

    def tcp(self, host: str, port: int, timeout: float) -> None:
        raise AssertionError("not asked")

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        raise AssertionError("not asked")

    def port_free(self, host: str, port: int) -> bool:
        raise AssertionError("not asked")

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body or b"") for request in self.got]


def send(receiver: Receiver, *hooks: Hook) -> list[str]:
    def url(hook: Hook) -> str:
        if hook.secret:
            raise UsageError(f"the secret {hook.secret} has no value")
        return hook.url

    sender = Sender(receiver, LocalShell(), FakeClock(), url)
    return sender.send(hooks, DEGRADED, Scope(30))


def test_a_webhook_gets_what_slack_shows_and_what_programs_read() -> None:
    receiver = Receiver()
    assert send(receiver, Hook(url="https://example.com/T/B")) == []
    (request,), (body,) = receiver.got, receiver.bodies
    assert (request.method, request.url) == ("POST", "https://example.com/T/B")
    assert request.headers["Content-Type"] == "application/json"
    assert body["text"] == "hello app is degraded: it ended"
    (attachment,) = body["attachments"]
    assert attachment["color"] == "danger"
    assert {f["title"]: f["value"] for f in attachment["fields"]} == {
        "project": "hello", "service": "app", "release": "r3",
    }  # fmt: skip
    assert body["event"] == {
        "event": "degraded", "text": "hello app is degraded: it ended", "project": "hello",
        "service": "app", "release": "r3", "reason": "it ended", "at": 1.5,
    }  # fmt: skip


def test_only_those_are_told_whom_it_concerns() -> None:
    receiver = Receiver()
    send(receiver, Hook(url="https://a.example", on=("success", "failure")),
         Hook(url="https://b.example", on=("degraded",)))  # fmt: skip
    assert [request.url for request in receiver.got] == ["https://b.example"]


@pytest.mark.parametrize(
    ("answers", "asked", "failure"),
    [
        ((None, 503, 200), 3, ""),
        ((429, 204), 2, ""),
        ((None, None, None), 3, "nothing listens"),
        ((500, 500, 500), 3, "answered 500"),
        ((404,), 1, "answered 404"),
    ],
)
def test_it_is_tried_again_a_few_times_if_that_may_help(
    answers: tuple[int | None, ...], asked: int, failure: str
) -> None:
    receiver = Receiver(answers)
    failures = send(receiver, Hook(url="https://example.com/T/key"))
    assert len(receiver.got) == asked
    assert len(failures) == bool(failure)
    assert failure in "".join(failures)
    assert "key" not in "".join(failures)


def test_one_that_fails_keeps_nobody_from_the_news() -> None:
    receiver = Receiver()
    failures = send(receiver, Hook(secret="SLACK"), Hook(command=("no-such-program",)),
                    Hook(url="https://b.example"))  # fmt: skip
    assert [request.url for request in receiver.got] == ["https://b.example"]
    assert failures == [
        "the webhook SLACK was not told: the secret SLACK has no value",
        "the command no-such-program was not told: the program no-such-program is not installed",
    ]


def test_a_command_gets_the_event_on_its_standard_input(tmp_path: Any) -> None:
    hook = Hook(command=("sh", "-c", "cat > told.json; exit 3"), directory=str(tmp_path))
    assert send(Receiver(), hook) == ["the command sh was not told: it ended with exit code 3"]
    assert json.loads((tmp_path / "told.json").read_text())["event"] == "degraded"


def test_hooks_are_kept_on_the_engine_without_values_of_secrets() -> None:
    engine = FakeEngine()
    first = (Hook(url="https://a.example"),)
    second = (Hook(secret="SLACK", env="SLACK_URL"), Hook(command=("page", "me")))
    for hooks in (first, second, second):
        publish(engine, "hello", hooks, client="me", journal=Journal())
        assert read(engine, "hello") == hooks
        assert len(engine.state.volumes) == 1
    assert read(engine, "other") == ()
    publish(engine, "hello", (), client="me", journal=Journal())
    assert engine.state.volumes == {}
    publish(engine, "hello", first, client="me", journal=Journal())
    forget(engine, "hello")
    assert read(engine, "hello") == ()
