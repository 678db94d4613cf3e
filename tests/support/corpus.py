"""Try one app of tests/corpus: generate its Dockerfile, build that, run it, ask it.

Each app answers ``GET /`` with a body that has ``hello from NAME``, the name of its folder, or what
``SAYS`` has; one that listens on no port says so in its log.

    python -m lab exec -- .venv/bin/python -m tests.support.corpus    # writes the table of results
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pipeline.artifacts import DockerfileInfo, Dockerfiles, Image, Images, Source
from pipeline.errors import DockcycleError
from pipeline.kit import ignore
from pipeline.kit.content import content_hash
from pipeline.kit.dockerfile.model import From
from pipeline.kit.dockerfile.parse import parse
from pipeline.ports import Ports, Repo
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Port
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.build import BuildOptions, BuildStage
from stages.dockerfile import DockerfileOptions, DockerfileStage
from tests.support.real_ports import real_ports
from tests.support.stage_context import Recorded, stage_context

CORPUS = Path(__file__).parents[1] / "corpus"
TABLE = Path(__file__).parents[2] / "docs" / "authoring-results.md"
PATIENCE = 90.0
"""Seconds for an app to become healthy on a machine that does other things too."""
MOMENTS = 10.0
BUILD = 900.0
OTHER_PORT = "7777"
FIXED_PORT = frozenset({"go-cmd", "go-embed"})
"""Apps whose code names a port that ``PORT`` does not change."""
SAYS = {"python-streamlit": "<title>Streamlit</title>"}
"""What those answer whose pages are made in the browser."""
ONLY_GENERATED = {
    "dotnet-web": "there is no .NET base in the lab",
}
"""Apps that are generated and linted, and why no more than that."""

HEAD = """\
# Generated Dockerfiles, tried

Each app of `tests/corpus` got its Dockerfile from dockcycle, untouched; hadolint and our own rules
found nothing; it was built, became healthy, and answered `GET /`, on another port than its own
where it reads `PORT`. Bases are the lab's, made of Debian packages ([the lab](lab.md)), so sizes
differ from those on Docker Hub's. Written by
`python -m lab exec -- .venv/bin/python -m tests.support.corpus`.

| app | answers | image | user | last stage on |
|---|---|---|---|---|"""


class NoRepo:
    """Outside of git."""

    def head(self, directory: str) -> None:
        return None


@dataclass(frozen=True)
class Result:
    """What was seen of one app."""

    name: str
    base: str
    user: str
    size: int
    """Bytes of the image."""
    seconds: float
    """To build it, with what caches there were."""
    trouble: str = ""


class Trial:
    """One app of the corpus in a folder of its own, under a project name of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = Path(shutil.copytree(CORPUS / name, folder / name))
        self.ports: Ports = replace(real_ports(), repo=cast(Repo, NoRepo()))
        self.recorded = Recorded()
        self.project = f"corpus-{uuid.uuid4().hex[:8]}"
        self.scope = Scope(BUILD + PATIENCE)
        self.stage = BuildStage(BuildOptions())
        self.container = ""

    def context(self) -> Context:
        content = content_hash(self.folder, ignore.in_force(self.folder))
        source = Source(path=str(self.folder), root=str(self.folder), content=content)
        return stage_context(
            source, ports=self.ports, recorded=self.recorded, directory=self.folder,
            project=self.project, scope=self.scope,
        )  # fmt: skip

    def generate(self) -> tuple[DockerfileInfo, Context]:
        """The Dockerfile, written by the stage, and the context to build it in."""
        ctx = self.context()
        (made,) = DockerfileStage(DockerfileOptions()).run(ctx)
        assert isinstance(made, Dockerfiles)
        ctx.evidence.add(made)
        return made.services["app"], ctx

    def build(self, ctx: Context) -> Image:
        (images,) = self.stage.run(ctx)
        assert isinstance(images, Images)
        return images.services["app"]

    def start(self, image: Image, port: int | None) -> None:
        """Start it on another port than it would choose, if it lets itself be told."""
        moves = port is not None and self.name not in FIXED_PORT
        inside = int(OTHER_PORT) if moves else port
        spec = ContainerSpec(
            image=image.id, name=self.project,
            environment={"PORT": OTHER_PORT} if moves else {},
            ports=(Port(container=inside, host_ip="127.0.0.1"),) if inside else (),
        )  # fmt: skip
        self.container = self.ports.engine.create(spec)
        self.ports.engine.start(self.container)

    def inspect(self) -> ContainerInfo:
        found = self.ports.engine.inspect(self.container)
        assert found is not None
        return found

    def wait_healthy(self) -> None:
        """Within its patience; fails with its log when it ends or does not become well."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.inspect()
            if found.running and found.health in ("healthy", "none"):
                return
            if not found.running:
                break
            self.scope.sleep(0.2)
        raise AssertionError("\n".join([*self.log(), str(self.inspect())]))

    def log(self) -> list[str]:
        return list(self.ports.engine.logs(self.container, tail=40, scope=self.scope))

    def wait_for(self, text: str, port: int | None) -> None:
        """Within moments of becoming healthy; some take one connection at a time."""
        end = time.monotonic() + MOMENTS
        while text not in (said := self.says(port)):
            assert time.monotonic() < end, said[:2000]
            self.scope.sleep(0.2)

    def says(self, port: int | None) -> str:
        """The body of ``GET /``, or why there is none; without a port the log."""
        if port is None:
            return "\n".join(self.log())
        (published,) = self.inspect().ports
        url = f"http://127.0.0.1:{published.host_port}/"
        try:
            return self.ports.http.request(HttpRequest(url=url), self.scope).body.decode()
        except HttpFailure as failure:
            return str(failure)

    def close(self) -> None:
        if self.container:
            self.ports.engine.remove(self.container)
        self.stage.cleanup(self.context())


@contextmanager
def trial(name: str, folder: Path) -> Iterator[Trial]:
    """A trial that leaves nothing on the engine but caches."""
    made = Trial(name, folder)
    try:
        yield made
    finally:
        made.close()


def names() -> list[str]:
    return sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def attempt(name: str, folder: Path) -> Result:
    """Everything, from code to answer.

    Raises:
        AssertionError, DockcycleError: what went wrong.
    """
    with trial(name, folder) as app:
        info, ctx = app.generate()
        assert info.findings == (), info.findings
        base = [item.image for item in parse(info.text).instructions if isinstance(item, From)][-1]
        if name in ONLY_GENERATED:
            return Result(name, base, "", 0, 0, ONLY_GENERATED[name])
        start = time.monotonic()
        image = app.build(ctx)
        seconds = time.monotonic() - start
        app.start(image, info.port)
        app.wait_healthy()
        app.wait_for(SAYS.get(name, f"hello from {name}"), info.port)
        found = app.ports.engine.image(image.id)
        assert found is not None
        assert found.user not in ("", "0", "root"), found.user
        return Result(name, base, found.user, found.size, seconds)


def row(result: Result) -> str:
    answers = f"no: {result.trouble}" if result.trouble else "yes"
    size = f"{result.size / 1e6:.0f} MB" if result.size else ""
    return f"| {result.name} | {answers} | {size} | {result.user} | `{result.base}` |"


def write_table(results: Sequence[Result]) -> None:
    """Bring the lines of these apps up to date; those of apps that are gone go."""
    there = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.is_file() else []
    rows = {line.split("|")[1].strip(): line for line in there if line.startswith("| ")}
    rows |= {result.name: row(result) for result in results}
    kept = [rows[name] for name in names() if name in rows]
    TABLE.write_text("\n".join([HEAD, *kept, ""]), encoding="utf-8")


def main(chosen: Sequence[str]) -> int:
    """Try all apps, or those whose names start with one of ``chosen``. The exit code."""
    results = []
    for name in [name for name in names() if not chosen or name.startswith(tuple(chosen))]:
        with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
            try:
                result = attempt(name, Path(folder))
            except (AssertionError, DockcycleError) as error:
                detail = getattr(error, "detail", "")
                print(f"{name}: {error}\n{detail}", file=sys.stderr)
                result = Result(name, "", "", 0, 0, str(error).partition("\n")[0][:80])
        print(f"{name}: {result.trouble or 'ok'}, {result.size / 1e6:.1f} MB, "
              f"{result.seconds:.0f} s, {result.base}", flush=True)  # fmt: skip
        results.append(result)
        write_table(results)
    failed = [r for r in results if r.trouble and r.name not in ONLY_GENERATED]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
