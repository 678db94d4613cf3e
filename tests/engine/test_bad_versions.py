"""A version that fails never takes a request; the old one serves all the while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
import pytest
import requests

from tests.engine.conftest import DOCKERFILE, AppUnderTest, candidates

pytestmark = pytest.mark.engine


CHECKS = "[{get: /, expect: {status: 200, body: good}}]"


@dataclass(frozen=True)
class Bad:
    """A bad version: what is written, and what the user must read about it."""

    name: str
    told: tuple[str, ...]
    body: str = '"bad"'
    status: str = "200"
    before: str = ""
    dockerfile: str = DOCKERFILE
    checks: str = CHECKS


BAD = (
    Bad("does not build", ("exit code", "RUN", "no-such-command"),
        dockerfile=DOCKERFILE + "RUN no-such-command\n"),
    Bad("exits at once", ("code 3", "cannot start: no database"),
        before='print("cannot start: no database", flush=True); sys.exit(3)'),
    Bad("never listens", ("20",), before="time.sleep(600)"),
    Bad("answers 500", ("500",), status="500"),
    Bad("answers the wrong body", ("good", "bad")),
    Bad("is slow", ("0.5",), body='[time.sleep(2), "good"][1]',
        checks="[{get: /, expect: {status: 200, within: 0.5s}}]"),
)  # fmt: skip


@contextmanager
def asked_all_the_while(app: AppUnderTest) -> Iterator[list[str]]:
    """Asks the live app in a loop; gives every answer and every failure that came."""
    answers: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.02):
            try:
                answers.append(app.get().text)
            except requests.RequestException as error:
                answers.append(type(error).__name__)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_version(bad: Bad, app: AppUnderTest, engine: docker.DockerClient) -> None:
    assert app.run().code == 0
    before = app.command("status", "--json").json
    head, tags = app.git("rev-parse", "HEAD"), app.git("tag")
    local = images_of(engine, app)

    app.write(bad.body, status=bad.status, before=bad.before)
    (app.directory / "Dockerfile").write_text(bad.dockerfile)
    text = (app.directory / "pipeline.yml").read_text()
    (app.directory / "pipeline.yml").write_text(text.replace(CHECKS, bad.checks))
    with asked_all_the_while(app) as answers:
        done = app.run()

    assert done.code == 1, done.text
    for words in bad.told:
        assert words in done.text
    assert set(answers) == {"good"}
    assert len(answers) > 10
    assert app.command("status", "--json").json == before
    assert (app.git("rev-parse", "HEAD"), app.git("tag")) == (head, tags)
    assert candidates(engine, app.name) == []
    assert images_of(engine, app) == local
    record = app.latest()
    assert record["status"] == "failed"
    assert {s["status"] for s in record["stages"] if s["key"] in ("push", "track", "operate")} == {
        "skipped"
    }


def images_of(engine: docker.DockerClient, app: AppUnderTest) -> set[str]:
    # Not by `engine.images.list()`, which looks at each: another test may just remove one.
    tags = (tag for image in engine.api.images() for tag in image["RepoTags"] or ())
    return {tag for tag in tags if app.name in tag}
