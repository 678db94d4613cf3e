"""A base image is pushed to a real registry, which tells the server: what is live stands on it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest, await_registry, free_port
from tests.engine.test_serve import SECRET, Forge, Site
from tests.engine.world import answer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SERVE = """\
listen: 127.0.0.1:{port}
poll: 1h
secrets: {{HOOK: {{env: HOOK}}}}
projects:
  - {{name: {name}, repository: {origin}, secret: HOOK, sender: registry, images: [acme/base]}}
"""
PIPELINE = """\
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000, stop_grace_period: 1s}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{body: base}}}}]}}
  - track: {{push: origin}}
  - operate: {{publish: {port}, soak: 0s}}
"""
BASE = """\
FROM busybox:1
RUN mkdir /www && echo {text} > /www/index.html
LABEL test={registry}
CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
"""


@pytest.fixture
def hook_port() -> int:
    return free_port()


@pytest.fixture
def registry(
    app: AppUnderTest, engine: docker.DockerClient, hook_port: int, tmp_path: Path
) -> Iterator[str]:
    """A registry that tells the server of what is pushed; ``host:port``."""
    address = f"127.0.0.1:{free_port()}"
    endpoint = {
        "name": "dockcycle",
        "url": f"http://127.0.0.1:{hook_port}/hooks/{app.name}",
        "headers": {"Authorization": [f"Bearer {SECRET}"]},
        "timeout": "5s", "threshold": 3, "backoff": "1s",
    }  # fmt: skip
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}},
        "http": {"addr": address},
        "notifications": {"endpoints": [endpoint]},
    }
    file = tmp_path / "registry.yml"
    file.write_text(json.dumps(settings))
    container = engine.containers.run(
        "registry:2", ["serve", "/registry.yml"], detach=True, network_mode="host",
        volumes={str(file): {"bind": "/registry.yml", "mode": "ro"}},
    )  # fmt: skip
    try:
        await_registry(address)
        yield address
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def publish(engine: docker.DockerClient, registry: str) -> Iterator[Callable[[str], str]]:
    """Puts a new image under ``acme/base:1`` in the registry; its name. Nothing stays here."""
    made: list[str] = []
    name = f"{registry}/acme/base:1"

    def put(text: str) -> str:
        recipe = BASE.format(text=text, registry=registry).encode()
        image, _ = engine.images.build(fileobj=io.BytesIO(recipe), tag=name, rm=True)
        said = engine.images.push(name)
        assert "errorDetail" not in said, said
        made.append(str(image.id))
        return name

    yield put
    for image in dict.fromkeys(made):
        engine.images.remove(image, force=True)


def test_a_base_image_that_was_pushed_is_built_on(
    app: AppUnderTest, engine: docker.DockerClient, tmp_path: Path, hook_port: int,
    publish: Callable[[str], str],
) -> None:  # fmt: skip
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    app.pipeline(PIPELINE)
    base = publish("base one")
    (app.directory / "Dockerfile").write_text(f"FROM {base}\nUSER 65534\n")
    app.commit("on the first base")
    app.git("remote", "add", "origin", str(origin))
    app.git("push", "-q", "-u", "origin", "main")
    file = tmp_path / "serve.yml"
    file.write_text(SERVE.format(name=app.name, origin=origin, port=hook_port))
    site = Site(app, origin, Forge(), file, engine)
    site.start()
    try:
        site.until(lambda: answer(app) == "base one\n", lambda: (site.jobs(), answer(app)))
        publish("base two")
        site.until(lambda: answer(app) == "base two\n", lambda: (site.jobs(), answer(app)))
        site.until(lambda: "running" not in site.jobs(), site.jobs)
    finally:
        site.kill(signal.SIGTERM)

    assert {run.trigger for run in site.runs()} == {"webhook"}
    app.git("pull", "-q", "--rebase", "origin", "main")
    digest = engine.images.get_registry_data(base).id
    assert digest in (app.directory / "pipeline.lock").read_text()
