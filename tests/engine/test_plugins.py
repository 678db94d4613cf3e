"""Stages of others: from a package that is really installed, and from a file of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import ROOT, AppUnderTest

pytestmark = pytest.mark.engine

STAGE = '''\
"""Measures the built images."""

from pydantic import Field

from pipeline.artifacts import Artifact, Images
from pipeline.errors import StageFailed
from pipeline.stage import Stage, StageOptions


class SizeOptions(StageOptions):
    limit: int = Field(1000, description="Megabytes.")


class SizeReport(Artifact):
    megabytes: int

    def summary(self):
        return f"{self.megabytes} MB"


class Size(Stage[SizeOptions]):
    name = "size"
    summary = "measures the images"
    Options = SizeOptions
    needs = frozenset({Images})
    makes = frozenset({SizeReport})

    def fingerprint(self, ctx):
        return f"{self.options} {ctx.get(Images)}"

    def run(self, ctx):
        total = sum(i.size for i in ctx.get(Images).services.values()) // 1_000_000
        ctx.log(f"measured {total} MB")
        if total > self.options.limit:
            raise StageFailed(f"{total} MB is more than {self.options.limit} MB", hint="Slim it.")
        return [SizeReport(megabytes=total)]
'''
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.2.3"

[project.entry-points."dockcycle.stages"]
size = "{module}:Size"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""


def install(name: str, target: Path) -> Path:
    """A package with the stage, built and installed by pip into a folder of its own."""
    module = name.replace("-", "_")
    source = target.with_name(f"{target.name}-source")
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT.format(name=name, module=module))
    (source / f"{module}.py").write_text(STAGE)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target),
         str(source)],
        check=True, timeout=180,
    )  # fmt: skip
    return target


def with_stage(app: AppUnderTest, entry: str) -> None:
    text = (app.directory / "pipeline.yml").read_text()
    app.directory.joinpath("pipeline.yml").write_text(
        text.replace("  - run:", f"{entry}\n  - run:")
    )


def test_a_stage_from_an_installed_package(app: AppUnderTest, tmp_path: Path) -> None:
    packages = install("acme-size", tmp_path / "packages")
    app.environ["PYTHONPATH"] = f"{ROOT}:{packages}"

    listed = app.command("stages", "--json").json
    own = next(stage for stage in listed if stage["name"] == "size")
    assert "acme-size" in own["origin"]
    assert "1.2.3" in own["origin"]
    assert own["summary"] == "measures the images"
    assert "size" in app.command("schema").text

    with_stage(app, "  - size: {limit: 900}")
    done = app.run()
    assert done.code == 0, done.text
    assert "measured" in done.text
    assert app.latest()["artifacts"]["SizeReport"]["megabytes"] > 10

    with_stage(app, "  - size: {limit: 1, name: strict}")
    done = app.run()
    assert done.code == 1
    assert "is more than 1 MB" in done.text
    assert "Slim it." in done.text


def test_a_stage_from_a_file_of_the_repository(app: AppUnderTest) -> None:
    (app.directory / "ci").mkdir()
    (app.directory / "ci" / "scan.py").write_text(STAGE)
    with_stage(app, "  - size: {uses: ./ci/scan.py:Size, limit: 900}")
    done = app.run()
    assert done.code == 0, done.text
    assert app.run().code == 0
    assert {s["status"] for s in app.latest()["stages"]} == {"reused"}

    (app.directory / "ci" / "scan.py").write_text(STAGE + "# edited\n")
    plan = app.command("plan")
    assert plan.code == 2, plan.text


def test_two_that_claim_a_name_are_both_named(app: AppUnderTest, tmp_path: Path) -> None:
    one = install("acme-size", tmp_path / "one")
    two = install("other-size", tmp_path / "two")
    app.environ["PYTHONPATH"] = f"{ROOT}:{one}:{two}"
    with_stage(app, "  - size")
    refused = app.command("validate")
    assert refused.code == 2
    assert "acme-size" in refused.text
    assert "other-size" in refused.text
