"""pipeline.lock: its text, what it pins, and what registries are asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import ConfigError, EngineUnavailable, RegistryUnavailable
from pipeline.kit import lock
from pipeline.kit.building import BuildChoices
from pipeline.kit.compose_model import BuildSpec, PullSpec
from pipeline.kit.lock import Lock
from pipeline.ports import Credentials
from pipeline.ports.engine import BuildRequest
from pipeline.scope import Scope

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NOBODY = cast(Credentials, SimpleNamespace(lookup=lambda host: None))


def test_it_reads_back_what_it_writes_always_in_the_same_order(tmp_path: Path) -> None:
    made = Lock({"python:3.13-slim": A, "localhost:5000/base:1": B})
    lock.write(tmp_path, made)
    text = (tmp_path / "pipeline.lock").read_text()
    assert lock.read(tmp_path) == made
    assert text == Lock(dict(reversed(made.images.items()))).text()
    assert text.endswith(f"images:\n  localhost:5000/base:1: {B}\n  python:3.13-slim: {A}\n")


def test_none_and_an_empty_one_are_not_the_same(tmp_path: Path) -> None:
    assert lock.read(tmp_path) is None
    lock.write(tmp_path, Lock({}))
    assert lock.read(tmp_path) == Lock({})


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "valid dictionary"),
        ("version: 2\n", 1, "newer dockcycle"),
        ("version: 1\nimages:\n  a:1: sha256:abc\n", 1, "images.a:1"),
        ("version: 1\nimages:\n<<<<<<< HEAD\n  a:1: b\n", 4, "no lock"),
        ("version: 1\nimags: {}\n", 1, "imags"),
    ],
)
def test_what_is_no_lock_is_told_with_its_place(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    (tmp_path / "pipeline.lock").write_text(text)
    with pytest.raises(ConfigError, match=says) as raised:
        lock.read(tmp_path)
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == (
        str(tmp_path / "pipeline.lock"), line,
    )  # fmt: skip
    assert "dockcycle update" in raised.value.hint


def test_builds_and_pulls_take_the_images_of_the_lock() -> None:
    locked = Lock({"python:3.13-slim": A, "redis:7": B})
    request = BuildRequest(
        context="/x", args={"V": "3.13"}, contexts={"redis:7": "docker-image://mine"},
        dockerfile_text="ARG V=3.12\nFROM python:${V}-slim\nCOPY --from=redis:7 a b\nFROM x\n",
    )  # fmt: skip
    text = locked.request(request).dockerfile_text
    assert text == request.dockerfile_text.replace("python:${V}-slim", f"python:3.13-slim@{A}")
    assert locked.pull(PullSpec(ref="docker.io/library/redis:7")).name.endswith(f"redis:7@{B}")
    assert locked.pull(PullSpec(ref="postgres:17", policy="always")).always
    assert not locked.pull(PullSpec(ref="redis:7", policy="always")).always
    assert locked.pull(PullSpec(ref=f"redis@{A}")).name == f"redis@{A}"


def test_every_image_of_a_project_is_known_with_who_takes_it() -> None:
    found = lock.names(
        {"web": "ARG V\nFROM python:$V\nFROM python:$V AS x\nFROM base\n", "job": f"FROM a@{A}\n"},
        {"web": BuildSpec(service="web", context="/", args={"V": "3"}, contexts={"base": "/b"})},
        {
            "db": PullSpec(ref="postgres:17"), "old": PullSpec(ref="python:3"),
            "mine": PullSpec(ref="mine:1", policy="never"),
        },
        BuildChoices(),
    )  # fmt: skip
    assert found == {"postgres:17": ["db"], "python:3": ["web", "old"]}


def ask(engine: FakeEngine, *names: str, **known: str) -> list[lock.Answer]:
    return list(lock.ask(names, Lock(known), engine, NOBODY, Scope(10)))


def test_what_registries_say_beside_what_was_known() -> None:
    engine = FakeEngine()
    engine.publish("python:3")
    [first] = ask(engine, "python:3")
    assert (first.state, first.was) == ("new", None)
    [again] = list(lock.ask(["python:3"], Lock({"python:3": str(first.now)}), engine, NOBODY,
                            Scope(10)))  # fmt: skip
    assert again.state == "same"
    engine.publish("python:3")
    [moved] = list(lock.ask(["python:3"], Lock({"python:3": str(first.now)}), engine, NOBODY,
                            Scope(10)))  # fmt: skip
    assert (moved.state, moved.was) == ("moved", first.now)
    assert engine.image("python:3") is None


def test_an_image_of_this_engine_alone_is_no_trouble() -> None:
    engine = FakeEngine()
    engine.publish("busybox:1")
    engine.pull("busybox:1", None, lambda line: None, Scope(10))
    source = engine.image("busybox:1")
    assert source is not None
    engine.registries["here"] = None
    engine.tag(source.id, "mine:1")
    engine.state.images[source.id].digests.clear()
    assert [answer.state for answer in ask(engine, "mine:1", "nobodys:1")] == ["local", "unknown"]


def test_a_registry_that_does_not_answer_is_told_an_engine_is_not() -> None:
    engine = FakeEngine()
    engine.publish("a:1")
    engine.fail("digest", RegistryUnavailable("it sleeps"))
    trouble, fine = ask(engine, "b:1", "a:1")
    assert (trouble.state, fine.state) == ("unknown", "new")
    assert trouble.error is not None and trouble.error.message == "it sleeps"
    gone: Any = FakeEngine(unavailable=True)
    with pytest.raises(EngineUnavailable):
        ask(gone, "a:1")
