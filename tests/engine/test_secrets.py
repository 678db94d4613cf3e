"""A secret is where it is used, and nowhere else: all that can be read afterwards, and while it
runs, is searched for it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import secrets
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import quote

import docker
import pytest

from tests.engine.conftest import AppUnderTest, Result, end, new_app

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM busybox:1
COPY index.html /www/
RUN --mount=type=secret,id=BUILD cat /run/secrets/BUILD && echo \\
 && sha256sum < /run/secrets/BUILD > /www/build
EXPOSE 8000
CMD echo "token $TOKEN" && echo "basic $(printf %s "$TOKEN" | base64)" \\
 && echo "you know $TOKEN" > /www/told && exec busybox httpd -f -p 8000 -h /www
"""
HEAD = """\
version: 1
name: {name}
secrets:
  BUILD: {{env: BUILD}}
  TOKEN: {{env: TOKEN}}
  REGISTRY: {{file: REGISTRY_FILE}}
stages:
  - code: {{checks: [{{run: 'echo "check has $TOKEN"', env: {{TOKEN: "{{secret:TOKEN}}"}}}}]}}
  - dockerfile
"""
SINGLE = (
    HEAD
    + """\
  - build: {{secrets: [BUILD]}}
  - run: {{port: 8000, env: {{TOKEN: "{{secret:TOKEN}}"}}, stop_grace_period: 1s}}
"""
)
COMPOSE = (
    HEAD
    + """\
  - build
  - run: {{compose: compose.yaml}}
"""
)
TAIL = """\
  - smoke:
      within: 3s
      checks:
        - get: /build
          headers: {{authorization: "Bearer {{secret:TOKEN}}"}}
          expect: {{body: SHA}}
        - {{get: /told, expect: {{status: 200, body: "{{secret:TOKEN}}"}}}}
  - push: {{to: [{{ref: "HOST/{name}", username: lab, password: {{secret: REGISTRY}}}}]}}
  - track: {{push: origin, tag: true}}
  - operate: {{publish: {port}, soak: 0s}}
"""
COMPOSE_FILE = """\
services:
  web:
    build: {context: ., secrets: [BUILD]}
    environment: {TOKEN: "${TOKEN}"}
    ports: ["PORT:8000"]
    stop_grace_period: 1s
secrets:
  BUILD: {environment: BUILD}
"""
OOPS = """\
from pipeline.stage import Stage

class Oops(Stage):
    name = "oops"

    def run(self, ctx):
        raise RuntimeError("bad luck with " + ctx.secrets.get("TOKEN"))
"""
RENDERERS = ("plain", "rich", "json", "github")


@dataclass
class Vault:
    """The secrets, and who has seen them."""

    build: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24) + ' $"/é')
    registry: str = field(
        default_factory=lambda: Path(
            os.environ["DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE"]
        ).read_text().strip()
    )  # fmt: skip

    @cached_property
    def forms(self) -> tuple[bytes, ...]:
        return tuple(self._forms())

    def _forms(self) -> Iterator[bytes]:
        for value in (self.build, self.token, self.registry):
            yield value.encode()
            yield quote(value, safe="").encode()
            yield base64.b64encode(value.encode()).rstrip(b"=")[:-1]
            yield value.encode()[:20]  # cut at any strange character it is still one

    def assert_not_in(self, data: bytes | str, where: str) -> None:
        data = data.encode() if isinstance(data, str) else data
        assert not any(form in data for form in self.forms), f"there is a secret in {where}"

    def assert_not_below(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.assert_not_in(path.read_bytes(), str(path))


class Spy(threading.Thread):
    """Looks at all processes, and at all temporary files, again and again."""

    def __init__(self, vault: Vault, temporary: Path) -> None:
        super().__init__(daemon=True)
        self._vault = vault
        self._temporary = temporary
        self._over = threading.Event()
        self.found: list[str] = []
        self.looks = 0
        self._to_the_end = False

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.looks += 1
            for file in self._files():
                with suppress(OSError):
                    data = file.read_bytes()
                    if any(form in data for form in self._vault.forms):
                        self.found.append(f"{file}: {data!r}")
        self._to_the_end = True

    def _files(self) -> Iterator[Path]:
        """Processes and folders end while they are looked at."""
        processes = (each for each in Path("/proc").iterdir() if each.name.isdigit())
        yield from (each / "cmdline" for each in processes)
        for folder, _, names in os.walk(self._temporary):
            yield from (Path(folder, name) for name in names)

    def __enter__(self) -> Spy:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._over.set()
        self.join()
        assert self._to_the_end, "the spy died"


@dataclass
class Case:
    app: AppUnderTest
    vault: Vault
    temporary: Path
    told: Path
    """What the GitHub renderer writes into."""

    def command(self, *args: str) -> Result:
        files = {key: str(self.told / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        done = self.app.command(
            *args, BUILD=self.vault.build, TOKEN=self.vault.token, TMPDIR=str(self.temporary),
            **files,
        )  # fmt: skip
        self.vault.assert_not_in(done.text, f"what {args} prints")
        return done


@pytest.fixture(params=["single", "compose"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, engine: docker.DockerClient
) -> Iterator[Case]:
    vault, app = Vault(), new_app(tmp_path / "app", tmp_path / "home")
    for folder in ("temporary", "told"):
        (tmp_path / folder).mkdir()
    (tmp_path / "password").write_text(vault.registry)
    (app.directory / "app.py").unlink()
    (app.directory / ".dockerignore").write_text("*\n!index.html\n")
    (app.directory / "index.html").write_text(f"good {app.name}\n")  # no cached build is the same
    (app.directory / "Dockerfile").write_text(DOCKERFILE)
    (app.directory / "oops.py").write_text(OOPS)
    (app.directory / "compose.yaml").write_text(COMPOSE_FILE.replace("PORT", str(app.port)))
    text = (SINGLE if request.param == "single" else COMPOSE) + TAIL
    if request.param == "compose":
        text = text.replace("operate: {{publish: {port}, soak: 0s}}", "operate")
    for word, value in {
        "REGISTRY_FILE": str(tmp_path / "password"),
        "HOST": os.environ["DOCKCYCLE_LAB_REGISTRY"],
        "SHA": hashlib.sha256(vault.build.encode()).hexdigest(),
    }.items():
        text = text.replace(word, value)
    app.pipeline(text)
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    app.git("remote", "add", "origin", str(remote))
    app.commit()
    made = Case(app, vault, tmp_path / "temporary", tmp_path / "told")
    yield made
    app.environ |= {"BUILD": vault.build, "TOKEN": vault.token}
    end(app, engine)


def test_no_secret_leaks(case: Case, engine: docker.DockerClient) -> None:
    app, vault = case.app, case.vault
    with Spy(vault, case.temporary) as spy:
        for renderer in RENDERERS:
            done = case.command("run", "--force", "--output", renderer)
            assert done.code == 0, done.text
            assert "check has ***" in done.text or renderer == "rich"
        good = (app.directory / "pipeline.yml").read_text()
        spoilt = good.replace("status: 200", "status: 404")
        for renderer in RENDERERS:
            (app.directory / "pipeline.yml").write_text(spoilt)
            failed = case.command("run", "--force", "--output", renderer)
            assert failed.code == 1, failed.text
        (app.directory / "pipeline.yml").write_text(
            good.replace("  - dockerfile\n", "  - oops: {uses: ./oops.py:Oops}\n  - dockerfile\n")
        )
        assert case.command("run").code == 3
        (app.directory / "pipeline.yml").write_text(good)
        logs = case.command("logs")
        assert "token ***" in logs.text
        for args in (
            ("show", "latest", "--json"), ("show",), ("history", "--json"), ("status", "--json"),
            ("diff", "--json"), ("plan", "--json"), ("image", "ls", "--json"), ("doctor",),
        ):  # fmt: skip
            case.command(*args)
    assert spy.looks > 100
    assert spy.found == []

    vault.assert_not_below(app.home)
    vault.assert_not_below(case.told)
    vault.assert_not_below(app.directory)
    assert list(case.temporary.iterdir()) == []
    for repository in (app.directory, app.directory.with_name("remote.git")):
        vault.assert_not_in(objects_of(repository), f"git objects of {repository}")
    for image in images_of(app, engine):
        for name, data in parts_of(engine, image):
            vault.assert_not_in(data, name)
    for volume in engine.api.volumes()["Volumes"] or []:
        vault.assert_not_in(str(volume["Labels"]), f"volume {volume['Name']}")
    containers = engine.api.containers(
        filters={"label": [f"dockcycle.project={app.name}", "dockcycle.role=live"]}
    )
    (inspected,) = (engine.api.inspect_container(found["Id"]) for found in containers)
    assert f"TOKEN={vault.token}" in inspected["Config"].pop("Env")
    vault.assert_not_in(str(inspected), "the live container, but for its environment")


def objects_of(repository: Path) -> bytes:
    """All objects of a git repository, and its references."""
    argv = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def images_of(app: AppUnderTest, engine: docker.DockerClient) -> list[str]:
    found = engine.api.images(filters={"label": f"dockcycle.project={app.name}"})
    assert found
    return [image["Id"] for image in found]


def parts_of(engine: docker.DockerClient, image: str) -> Iterator[tuple[str, bytes]]:
    """Everything in an image: manifest, configuration with its history, the files of each layer."""
    archive = b"".join(engine.api.get_image(image))
    yield from _files(io.BytesIO(archive), image)


def _files(archive: IO[bytes], where: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=archive) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            data = stream.read()
            yield f"{where} {member.name}", data
            with suppress(tarfile.ReadError):
                yield from _files(io.BytesIO(data), f"{where} {member.name}")
