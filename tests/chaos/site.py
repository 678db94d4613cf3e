"""An app behind its front, and what is done to it under load."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import requests

from tests.engine import quick
from tests.engine.conftest import DOCKERFILE, AppUnderTest, Result, end, new_app
from tests.support.load import Load, load

PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000, memory: 96m}}
  - smoke:
      within: 10s
      checks: [{{get: /, expect: {{status: 200, body: good, within: LIMIT}}}}]
  - operate: {{publish: {port}, keep: 5, soak: SOAK}}
"""
SLOW = "[time.sleep(5 if self.path == '/slow' else 0), {text}][1]"
CLIENTS, PAUSE = 12, 0.03
"""Of the load: about 300 requests a second, if they are answered at once."""
READY = 60.0
"""Seconds that are waited for an answer at most."""


@dataclass(frozen=True)
class Row:
    """One experiment: what was done, what came of it, and whether it held."""

    experiment: str
    did: str
    found: str
    held: bool


@dataclass
class Site:
    app: AppUnderTest
    engine: docker.DockerClient

    def version(self, text: str, *, status: str = "200", before: str = "") -> None:
        """Write the next version: ``text`` is a Python expression for what it says."""
        self.app.write(SLOW.format(text=text), status=status, before=before)

    def run(self, *args: str) -> Result:
        return quick.command(self.app, *(args or ("run",)))

    def must(self, *args: str) -> None:
        """Run the command; it must go well."""
        done = self.run(*args)
        assert done.code == 0, done.text

    def soak(self, seconds: float, limit: float = 2) -> None:
        """Change how long a release is watched, and in which time it has to answer."""
        text = PIPELINE.replace("SOAK", f"{seconds:g}s").replace("LIMIT", f"{limit:g}s")
        self.app.pipeline(text)

    def status(self) -> Mapping[str, object]:
        found: Mapping[str, object] = self.run("status", "--json").json
        return found

    def answers(self, wanted: str) -> float:
        """Seconds until the app says that; ``READY`` if it does not."""
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < READY:
            try:
                if self.app.get().text == wanted:
                    return waited
            except requests.RequestException:
                pass
            time.sleep(0.05)
        return READY

    @contextmanager
    def load(self, slow: int = 1) -> Iterator[Load]:
        with load(
            self.app.port, clients=CLIENTS, pause=PAUSE, slow=["/slow"] * slow, at_most=3600
        ) as asked:
            yield asked

    def objects(self) -> dict[str, int]:
        """How many things of the project there are on the engine, by kind."""
        mine = {"label": f"dockcycle.project={self.app.name}"}
        return {
            "containers": len(self.engine.containers.list(all=True, filters=mine)),
            "images": len(self.engine.images.list(filters=mine)),
            "volumes": len(self.engine.volumes.list(filters=mine)),
            "networks": len(self.engine.networks.list(filters=mine)),
        }

    def images(self) -> set[str]:
        """Ids of the images of what runs."""
        mine = {"label": [f"dockcycle.project={self.app.name}", "dockcycle.role=live"]}
        return {c.image.id for c in self.engine.containers.list(filters=mine)}


@contextmanager
def site(engine: docker.DockerClient) -> Iterator[Site]:
    """An app of its own, that is live in a first version; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="dockcycle-chaos-") as folder:
        app = new_app(Path(folder, "app"), Path(folder, "home"))
        (app.directory / "Dockerfile").write_text(DOCKERFILE)
        made = Site(app, engine)
        made.soak(0.3)
        made.version("'good 1'")
        try:
            made.must()
            yield made
        finally:
            end(app, engine)
