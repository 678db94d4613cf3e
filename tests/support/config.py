"""A catalog of tiny stages, and ways to read a pipeline text with it and to see its mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from pipeline.artifacts import App, Artifact, Images, Release, Source
from pipeline.catalog import Catalog
from pipeline.config import Pipeline, load
from pipeline.errors import ConfigError, Problem
from pipeline.kit.units import Bytes, PortNumber, Scalar, Seconds
from pipeline.stage import Context, Stage, StageOptions


class Step(StageOptions):
    """A shell step."""

    run: str
    inside: Annotated[str | None, Field(alias="in")] = None


class Probe(StageOptions):
    get: str
    status: int | tuple[int, ...] = 200
    within: Seconds = 2.0


class Listen(StageOptions):
    tcp: PortNumber


class CodeOptions(StageOptions):
    path: str = "."
    """Folder of the app, relative to the pipeline file."""
    checks: tuple[str | Step, ...] = ()


class BuildOptions(StageOptions):
    target: str | None = None
    args: Mapping[str, Scalar] = {}
    memory: Bytes | None = None
    cache: bool = True
    progress: Literal["auto", "plain", "quiet"] = "auto"
    tags: tuple[str, ...] = ()
    jobs: Annotated[int, Field(ge=1, le=16)] = 2


class RunOptions(StageOptions):
    port: PortNumber | None = None
    env: Mapping[str, Scalar] = {}


class SmokeOptions(StageOptions):
    checks: Annotated[tuple[Probe | Listen, ...], Field(min_length=1)]


class Idle(Stage[Any]):
    def run(self, ctx: Context) -> Sequence[Artifact]:
        return ()


class Code(Idle):
    name = "code"
    summary = "takes the code"
    Options = CodeOptions
    makes: ClassVar = frozenset({Source})


class Build(Idle):
    name = "build"
    Options = BuildOptions
    needs: ClassVar = frozenset({Source})
    makes: ClassVar = frozenset({Images})


class Run(Idle):
    name = "run"
    Options = RunOptions
    needs: ClassVar = frozenset({Images})
    makes: ClassVar = frozenset({App})


class Smoke(Idle):
    name = "smoke"
    Options = SmokeOptions
    needs: ClassVar = frozenset({App})


class Operate(Idle):
    name = "operate"
    needs: ClassVar = frozenset({App})
    makes: ClassVar = frozenset({Release})


@dataclass(frozen=True)
class FakeDistribution:
    name: str = "tiny"
    version: str = "1.0"


@dataclass(frozen=True)
class FakePoint:
    """An entry point that gives ``what``, or raises it."""

    name: str
    what: Any
    value: str = "tiny:Stage"
    dist: FakeDistribution | None = FakeDistribution()

    def load(self) -> Any:
        if isinstance(self.what, BaseException):
            raise self.what
        return self.what


TINY = Catalog(
    FakePoint(stage.name, stage, f"tiny:{stage.__name__}")
    for stage in (Code, Build, Run, Smoke, Operate)
)


def read(directory: Path, text: str, **options: Any) -> Pipeline:
    """The pipeline of ``text`` as pipeline.yml in ``directory``."""
    file = directory / "pipeline.yml"
    file.write_text(text, encoding="utf-8")
    return load(file, **{"catalog": TINY, "variables": {}, **options})


def problems(directory: Path, text: str, **options: Any) -> tuple[Problem, ...]:
    """The mistakes in ``text``."""
    with pytest.raises(ConfigError) as caught:
        read(directory, text, **options)
    return caught.value.problems


def complaints(directory: Path, text: str, **options: Any) -> list[str]:
    """The mistakes in ``text`` as lines: ``line key: message | hint``."""
    return [
        f"{problem.where.line} {problem.where.key}: {problem.message}"
        + (f" | {problem.hint}" if problem.hint else "")
        for problem in problems(directory, text, **options)
    ]
