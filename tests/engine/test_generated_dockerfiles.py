"""Each sample app gets a Dockerfile, is built, becomes healthy, answers, and stops when told to."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from pipeline.artifacts import Dockerfiles, Image, Images, Source
from pipeline.errors import StageFailed
from pipeline.kit import ignore
from pipeline.kit.content import content_hash
from pipeline.ports import Ports, Repo
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Port
from pipeline.ports.http import HttpRequest
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.build import BuildOptions, BuildStage
from stages.dockerfile import DockerfileOptions, DockerfileStage
from tests.support.apps import APPS, App
from tests.support.real_ports import real_ports
from tests.support.stage_context import Recorded, stage_context

pytestmark = pytest.mark.engine
PATIENCE = 40.0
"""Seconds for an app to become healthy."""


class NoRepo:
    """Outside of git."""

    def head(self, directory: str) -> None:
        return None


class Bench:
    """Generates, builds and runs what is in a folder, under a project name of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: Ports = replace(real_ports(), repo=cast(Repo, NoRepo()))
        self.recorded = Recorded()
        self.name = f"gen-{uuid.uuid4().hex[:8]}"
        self.scope = Scope(300)
        self.build = BuildStage(BuildOptions())
        self.container = ""

    def context(self) -> Context:
        content = content_hash(self.folder, ignore.in_force(self.folder))
        source = Source(path=str(self.folder), root=str(self.folder), content=content)
        return stage_context(
            source, ports=self.ports, recorded=self.recorded, directory=self.folder,
            project=self.name, scope=self.scope,
        )  # fmt: skip

    def make(self, **options: object) -> Image:
        """The image, by both stages."""
        ctx = self.context()
        (dockerfiles,) = DockerfileStage(DockerfileOptions.model_validate(options)).run(ctx)
        assert isinstance(dockerfiles, Dockerfiles)
        ctx.evidence.add(dockerfiles)
        (images,) = self.build.run(ctx)
        assert isinstance(images, Images)
        return images.services["app"]

    def start(self, image: Image, port: int | None) -> None:
        ports = (Port(container=port, host_ip="127.0.0.1"),) if port else ()
        spec = ContainerSpec(image=image.id, name=self.name, ports=ports, init=False)
        self.container = self.ports.engine.create(spec)
        self.ports.engine.start(self.container)

    def inspect(self) -> ContainerInfo:
        found = self.ports.engine.inspect(self.container)
        assert found is not None
        return found

    def wait_healthy(self) -> ContainerInfo:
        """Within its patience; fails with its log when it ends or does not become well."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.inspect()
            if found.health in ("healthy", "none") and found.running:
                return found
            if not found.running:
                break
            self.scope.sleep(0.1)
        raise AssertionError("\n".join([*self.log(), str(self.inspect())]))

    def log(self) -> list[str]:
        return list(self.ports.engine.logs(self.container, tail=40, scope=self.scope))

    def get(self, path: str = "/") -> str:
        (port,) = self.inspect().ports
        url = f"http://127.0.0.1:{port.host_port}{path}"
        return self.ports.http.request(HttpRequest(url=url), self.scope).body.decode()

    def close(self) -> None:
        if self.container:
            self.ports.engine.remove(self.container)
        self.build.cleanup(self.context())
        assert self.ports.engine.images({"dockcycle.project": self.name}) == []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_it_is_generated_built_and_answers(app: App, bench: Bench) -> None:
    app.write(bench.folder)
    image = bench.make()
    bench.start(image, app.port)
    bench.wait_healthy()
    if app.port is None:
        end = time.monotonic() + 10
        while app.says not in "\n".join(bench.log()) and time.monotonic() < end:
            bench.scope.sleep(0.1)
        assert app.says in "\n".join(bench.log())
    else:
        assert app.says in bench.get()
    found = bench.ports.engine.exec(bench.container, ["id", "-u"], bench.scope)
    assert found.output.strip() in ("10001", "1000")


def test_port_is_honoured(bench: Bench) -> None:
    APPS[0].write(bench.folder)
    image = bench.make()
    spec = ContainerSpec(
        image=image.id, name=bench.name, environment={"PORT": "7777"},
        ports=(Port(container=7777, host_ip="127.0.0.1"),),
    )  # fmt: skip
    bench.container = bench.ports.engine.create(spec)
    bench.ports.engine.start(bench.container)
    bench.wait_healthy()
    assert "hello from flask" in bench.get()


def test_the_server_as_the_first_process_gets_the_signal(bench: Bench) -> None:
    APPS[0].write(bench.folder)
    bench.start(bench.make(), 5000)
    bench.wait_healthy()
    start = time.monotonic()
    bench.ports.engine.stop(bench.container)
    assert time.monotonic() - start < 5
    assert bench.inspect().exit_code == 0


def test_the_app_can_write_into_its_folder_but_not_elsewhere(bench: Bench) -> None:
    APPS[0].write(bench.folder)
    bench.start(bench.make(), 5000)
    bench.wait_healthy()
    write = ["python", "-c", "import sys; open(sys.argv[1], 'w')"]
    engine, scope = bench.ports.engine, bench.scope
    assert engine.exec(bench.container, [*write, "/app/data.db"], scope).exit_code == 0
    assert engine.exec(bench.container, [*write, "/usr/local/x"], scope).exit_code != 0


def test_what_has_to_be_compiled_leaves_no_compiler(bench: Bench) -> None:
    (bench.folder / "requirements.txt").write_text("psycopg2==2.9.10\n")
    (bench.folder / "main.py").write_text(
        "import psycopg2, time\nprint('libpq', psycopg2.__libpq_version__, flush=True)\n"
        "time.sleep(600)\n"
    )
    bench.start(bench.make(), None)
    end = time.monotonic() + 10
    while not bench.log() and time.monotonic() < end:
        bench.scope.sleep(0.1)
    assert "libpq" in bench.log()[0]
    which = bench.ports.engine.exec(bench.container, ["sh", "-c", "command -v gcc"], bench.scope)
    assert which.exit_code != 0


def test_a_change_of_the_code_installs_nothing(bench: Bench) -> None:
    APPS[0].write(bench.folder)
    bench.make()
    (bench.folder / "app.py").write_text(APPS[0].files["app.py"] + "# changed\n")
    start = time.monotonic()
    bench.make()
    assert time.monotonic() - start < 5
    lines = [getattr(event, "line", "") for event in bench.recorded.events]
    assert any(line.startswith("cached: ") and "pip install" in line for line in lines)


def test_a_broken_instruction_is_named_with_its_line(bench: Bench) -> None:
    (bench.folder / "Dockerfile").write_text(
        "FROM python:3.13-slim\nUSER 1\nRUN echo before && \\\n    false\n"
    )
    with pytest.raises(StageFailed, match="RUN echo before") as raised:
        bench.make()
    assert raised.value.where is not None
    place = (raised.value.where.file, raised.value.where.line)
    assert place == (str(bench.folder / "Dockerfile"), 3)
    assert "before" in raised.value.detail


DECLARED = [
    "# Every instruction, as the real builder reads it.",
    {"ARG": {"VERSION": "3.13"}},
    {
        "stage": "build",
        "from": "python:${VERSION}-slim",
        "steps": [
            {"SHELL": ["/bin/bash", "-o", "pipefail", "-c"]},
            {"RUN": {"script": "cd /srv\necho 'from a script' | tee out.txt\n"}},
            {"RUN": {"command": "cp /in/app.py /srv", "mount": ["type=bind,target=/in"]}},
            "RUN <<'EOF' cat > /srv/quoted.txt\n$HOME\nEOF",
        ],
    },
    {"FROM": {"image": "python:${VERSION}-slim", "as": "final"}},
    {"LABEL": {"title": 'a "quoted" title'}},
    {"ENV": {"GREETING": 'hello "world"', "PRICE": "5\\$", "PATH": "/srv/bin:$PATH"}},
    {"WORKDIR": "/srv/with space"},
    {"COPY": {"from": "build", "source": ["/srv/out.txt", "/srv/quoted.txt"], "target": "./"}},
    {"COPY": {"content": "made here\n", "target": "made.txt", "chmod": "644"}},
    {"ADD": ["app.py", "/srv/an app.py"]},
    {"RUN": "test -f made.txt &&\n  mkdir /data\n"},
    {"VOLUME": "/data"},
    {"EXPOSE": [8000, "53/udp"]},
    {"STOPSIGNAL": "SIGINT"},
    {"ONBUILD": {"RUN": "echo later"}},
    {"USER": 65534},
    {"HEALTHCHECK": {"CMD": ["true"], "interval": "1s"}},
    {"ENTRYPOINT": ["python", "/srv/an app.py"]},
    {"CMD": ["an argument"]},
]
SHOWS = """\
import os, sys
print(os.environ["GREETING"], os.environ["PRICE"], os.getcwd(), sys.argv[1])
for name in ("out.txt", "quoted.txt", "made.txt"):
    print(open(name).read().strip())
"""


def test_a_declared_one_means_what_it_says_to_the_real_builder(bench: Bench) -> None:
    (bench.folder / "app.py").write_text(SHOWS)
    bench.start(bench.make(instructions=DECLARED, lint={"ignore": ["DL3020"]}), None)
    assert bench.ports.engine.wait(bench.container, bench.scope) == 0
    assert bench.log() == [
        'hello "world" 5$ /srv/with space an argument', "from a script", "$HOME", "made here",
    ]  # fmt: skip
