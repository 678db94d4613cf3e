"""A lock: builds take the images that it names, whatever their tags stand for meanwhile."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import docker
import pytest

from tests.engine.conftest import AppUnderTest, await_registry

pytestmark = pytest.mark.engine

PIPELINE = "version: 1\nname: {name}\nstages: [code, dockerfile, build]\n"
COMPOSE = "version: 1\nname: {name}\nstages: [code, dockerfile, build, run: {{compose: c.yaml}}]\n"


@pytest.fixture
def registry(engine: docker.DockerClient) -> Iterator[str]:
    """A registry of this test's own, where tags may be moved; ``host:port``."""
    container = engine.containers.run(
        "registry:2", detach=True, ports={"5000/tcp": ("127.0.0.1", None)}
    )
    try:
        container.reload()
        address = f"127.0.0.1:{container.ports['5000/tcp'][0]['HostPort']}"
        await_registry(address)
        yield address
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def publish(engine: docker.DockerClient, registry: str) -> Iterator[Callable[[str], str]]:
    """Puts a new image under ``base:1`` in the registry; its name. Nothing of it stays here."""
    made: list[str] = []
    name = f"{registry}/base:1"

    def put(version: str) -> str:
        text = f"FROM busybox:1\nRUN echo {version} > /version\nLABEL test={registry}\n"
        image, _ = engine.images.build(fileobj=io.BytesIO(text.encode()), tag=name, rm=True)
        engine.images.push(name)
        made.append(str(image.id))
        return name

    yield put
    for image in dict.fromkeys(made):
        engine.images.remove(image, force=True)


def version(engine: docker.DockerClient, app: AppUnderTest) -> str:
    """What the base of the app's newest image says of itself."""
    image = app.latest()["artifacts"]["Images"]["services"]["app"]["id"]
    return engine.containers.run(image, ["cat", "/version"], remove=True).decode().strip()


def test_a_moved_tag_moves_nothing_until_the_lock_is_updated(
    app: AppUnderTest, engine: docker.DockerClient, publish: Callable[[str], str]
) -> None:
    base = publish("one")
    app.pipeline(PIPELINE)
    (app.directory / "Dockerfile").write_text(f"ARG TAG=1\nFROM {base[:-1]}$TAG\nUSER 1\n")
    made = app.command("update")
    assert made.code == 0 and "new" in made.out, made.text
    assert app.run().code == 0
    assert version(engine, app) == "one"

    publish("two")
    assert app.command("plan").code == 0
    assert app.run("--force").code == 0
    assert version(engine, app) == "one"

    moved = app.command("update", "--json")
    assert [row["state"] for row in moved.json] == ["moved"]
    assert app.command("plan").code == 2
    assert app.run().code == 0
    assert version(engine, app) == "two"
    assert "@sha256" not in (app.directory / "Dockerfile").read_text()


def test_images_of_compose_are_locked_too_and_stay_when_the_registry_goes(
    app: AppUnderTest, engine: docker.DockerClient, publish: Callable[[str], str], registry: str
) -> None:
    base = publish("one")
    app.pipeline(COMPOSE)
    (app.directory / "Dockerfile").write_text("FROM busybox:1\nUSER 1\n")
    (app.directory / "c.yaml").write_text(
        f"services:\n  web: {{build: ., command: sleep 60}}\n  side: {{image: '{base}'}}\n"
    )
    rows = app.command("update", "--json").json
    assert {row["name"]: row["services"] for row in rows} == {"busybox:1": ["web"], base: ["side"]}
    locked = next(row["now"] for row in rows if row["name"] == base)

    publish("two")
    built = app.run("--to", "build")
    assert built.code == 0, built.text
    side = app.latest()["artifacts"]["Images"]["services"]["side"]["id"]
    assert engine.images.get(f"{base[:-2]}@{locked}").id == side

    for container in engine.containers.list(filters={"ancestor": "registry:2"}):
        if registry.rpartition(":")[2] in str(container.ports):
            container.stop(timeout=0)
    again = app.run("--to", "build", "--force")
    assert again.code == 0, again.text
    asked = app.command("update", "--json")
    assert asked.code == 4
    assert {row["name"]: row["state"] for row in asked.json} == {
        "busybox:1": "same", base: "unknown",
    }  # fmt: skip
    assert locked in (app.directory / "pipeline.lock").read_text()


def test_the_lock_is_completed_and_committed_and_then_there_is_nothing_to_do(
    app: AppUnderTest,
) -> None:
    """With an image of Docker Hub, by its mirror."""
    (app.directory / "pipeline.lock").write_text("version: 1\nimages: {}\n")
    first = app.run()
    assert first.code == 0, first.text
    assert "added python:3.11-slim to pipeline.lock" in first.text
    assert "python:3.11-slim@sha256:" in first.text
    assert "pipeline.lock" in app.git("show", "--name-only", "--format=", "HEAD").split()
    assert app.git("status", "--porcelain") == ""
    plan = app.command("plan")
    assert plan.code == 0, plan.text
