"""The examples in the repository, each taken through its own pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from tests.engine.conftest import ROOT, AppUnderTest, candidates, free_port, leftovers

pytestmark = pytest.mark.engine

Example = Callable[..., AppUnderTest]


@pytest.fixture
def example(tmp_path: Path, engine: docker.DockerClient) -> Iterator[Example]:
    """An example as a repository of its own, under a project name and port of its own."""
    made: list[AppUnderTest] = []

    def make(folder: str, port: str, **environ: str) -> AppUnderTest:
        """``port`` is what the example's pipeline or Compose file publishes."""
        directory = tmp_path / folder
        shutil.copytree(ROOT / "examples" / folder, directory)
        if folder == "flask":  # its pipeline is the repository's own
            text = (ROOT / "pipeline.yml").read_text().replace("path: examples/flask", "path: .")
            (directory / "pipeline.yml").write_text(text)
        free = free_port()
        name = f"t{free}{folder}"
        file = directory / "pipeline.yml"
        lines = file.read_text().splitlines()
        text = "\n".join(f"name: {name}" if line.startswith("name:") else line for line in lines)
        file.write_text(text.replace(f"publish: {port}", f"publish: {free}") + "\n")
        app = AppUnderTest(directory, name, free, tmp_path / "home", dict(environ))
        app.git("init", "-q", "-b", "main")
        app.git("config", "user.name", "Test")
        app.git("config", "user.email", "test@example.com")
        app.commit("first")
        made.append(app)
        return app

    yield make
    for app in made:
        ended = app.command("down", "--volumes")
        assert leftovers(engine, app.name) == [], ended.text


def one_image_all_the_way(record: dict[str, Any]) -> None:
    """What was built, tested, pushed and is recorded as live is the same, service by service."""
    evidence = record["artifacts"]
    for service, image in evidence["Images"]["services"].items():
        if image["built"] and service in evidence["Release"]["images"]:
            assert evidence["Release"]["images"][service] == image["id"]
            assert evidence["SmokeReport"]["images"].get(service, image["id"]) == image["id"]
            for pushed in evidence["PushedImages"]["services"].get(service, ()):
                assert pushed["config"] == image["id"]


def test_flask(example: Example) -> None:
    app = example("flask", "8000")
    done = app.run()
    assert done.code == 0, done.text
    assert "Hello from dockcycle" in app.get().text
    assert "5 passed" in done.text
    record = app.latest()
    one_image_all_the_way(record)
    assert app.git("show", "--format=", "--name-only", "HEAD").split() == [
        ".dockerignore", "Dockerfile",
    ]  # fmt: skip
    assert app.command("plan").code == 0, "a run right after a run has nothing to do"


def test_node(example: Example) -> None:
    app = example("node", "8010")
    done = app.run()
    assert done.code == 0, done.text
    assert app.get().status_code == 200
    one_image_all_the_way(app.latest())
    assert app.command("plan").code == 0


def test_shop(example: Example, engine: docker.DockerClient) -> None:
    """Several services, a one-shot, checks across services; a new version leaves the data."""
    port = free_port()
    app = example("shop", "none", SHOP_PORT=str(port))
    app.port = port
    done = app.run(timeout=400)
    assert done.code == 0, done.text
    assert candidates(engine, app.name) == []
    status = app.command("status", "--json").json
    states = {service["service"]: service["state"] for service in status["services"]}
    assert states.pop("migrate") == "exited (0)"
    assert set(states.values()) == {"running"}
    assert set(states) == {"web", "api", "worker", "db", "cache"}
    one_image_all_the_way(app.latest())

    order = requests.post(
        f"http://127.0.0.1:{port}/orders", json={"product": "espresso-cup", "quantity": 1},
        timeout=10,
    )  # fmt: skip
    assert order.status_code == 201
    database = container_of(engine, app, "db")
    assert app.command("plan").code == 0

    source = app.directory / "web" / "app.py"
    source.write_text(source.read_text() + "\n# a new version\n")
    again = app.run(timeout=400)
    assert again.code == 0, again.text
    assert container_of(engine, app, "db") == database, "the database was not replaced"
    kept = requests.get(f"http://127.0.0.1:{port}/", timeout=10)
    assert kept.status_code == 200

    back = app.command("rollback", "--output", "plain", timeout=400)
    assert back.code == 0, back.text
    assert app.command("status", "--json").json["release"] == "r1"
    assert container_of(engine, app, "db") == database


def container_of(engine: docker.DockerClient, app: AppUnderTest, service: str) -> str:
    labels = [f"com.docker.compose.project={app.name}", f"com.docker.compose.service={service}"]
    (found,) = engine.containers.list(all=True, filters={"label": labels})
    identity: str = found.id
    return identity
