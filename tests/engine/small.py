"""The smallest app that is built, tested, pushed, tracked and released: a page of one line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from tests.engine.conftest import AppUnderTest, end, new_app

VERSION = "test.version"
TINY = """\
FROM busybox:1
LABEL test.version={version}
COPY index.html /www/
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
"""
WHEN_LIVE = TINY.replace(
    '["busybox", ', '["sh", "-c", "touch /shared/live && ACT; exec $0 $@", "busybox", '
)
SPOILT = WHEN_LIVE.replace("ACT", "echo bad > /www/index.html")
"""With ``SHARED``: good as a candidate, which may not write there; answers wrongly when live."""
DYING = WHEN_LIVE.replace("ACT", "exit 3")
"""The same, but ends when live."""
SAYS = "good, version {version}\n"
PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000, stop_grace_period: 1s{run}}}
  - smoke: {{within: 3s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - push
  - track: {{push: origin, tag: true}}
  - operate: {{publish: {port}, keep: 2, soak: 0s{operate}}}
"""
SHARED = ", volumes: ['./shared:/shared']"
"""Options of ``run``: a folder that the live app may write to, and a candidate only read."""
COMPOSE_PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{compose: compose.yaml}}
  - smoke: {{within: 3s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - operate: {{keep: 2}}
"""
COMPOSE = """\
services:
  web:
    build: .
    ports: ["PORT:8000"]
    depends_on: [db]
    stop_grace_period: 1s
  db:
    image: busybox:1
    command: [sleep, "3600"]
    init: true
    volumes: ["data:/data"]
volumes:
  data: {}
"""


@contextmanager
def small_app(
    folder: Path, engine: docker.DockerClient, run: str = "", operate: str = ""
) -> Iterator[AppUnderTest]:
    """A page of one line, a git repository with a remote; nothing is left of it afterwards.

    ``run`` and ``operate`` are added to the options of these stages.
    """
    app = new_app(folder / "app", folder / "home")
    (app.directory / "app.py").unlink()
    (app.directory / ".dockerignore").write_text("*\n!index.html\n")
    (app.directory / "shared").mkdir()
    (app.directory / ".gitignore").write_text("shared/\n")
    app.pipeline(PIPELINE.replace("{run}", run).replace("{operate}", operate))
    subprocess.run(["git", "init", "-q", "--bare", str(folder / "remote.git")], check=True)
    app.git("remote", "add", "origin", str(folder / "remote.git"))
    app.commit("a page instead")
    app.git("push", "-q", "origin", "main")
    try:
        yield app
    finally:
        end(app, engine)
        shutil.rmtree(folder)


def compose(app: AppUnderTest) -> None:
    """Make it a Compose project, of the page and something with data, that is not pushed."""
    (app.directory / "compose.yaml").write_text(COMPOSE.replace("PORT", str(app.port)))
    app.pipeline(COMPOSE_PIPELINE)
    app.commit("a Compose project")


def write_version(
    app: AppUnderTest, version: int, says: str = SAYS, dockerfile: str = TINY
) -> None:
    """The next version of a small app: its page is the user's commit, its Dockerfile is left for
    ``track`` to commit."""
    (app.directory / "index.html").write_text(says.format(version=version))
    app.git("add", "index.html")
    app.git("commit", "-q", "--allow-empty", "-m", f"version {version}")
    (app.directory / "Dockerfile").write_text(dockerfile.format(version=version))
