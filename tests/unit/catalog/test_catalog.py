"""Stages by name, by module and by file; whatever is wrong with one is told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.artifacts import Artifact, Images, Source
from pipeline.catalog import Catalog, CatalogError
from pipeline.stage import Context, Stage, StageOptions
from tests.support.config import TINY, Build, Code, FakeDistribution, FakePoint, complaints, read

SCAN = """\
from pipeline.artifacts import Images
from pipeline.stage import Stage, StageOptions


class ScanOptions(StageOptions):
    level: str = "high"


class Scan(Stage[ScanOptions]):
    name = "scan"
    Options = ScanOptions
    needs = frozenset({Images})

    def run(self, ctx):
        return ()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "scan.py").write_text(SCAN)
    return tmp_path


def refusal(catalog: Catalog, uses: str, directory: Path = Path()) -> tuple[str, str]:
    with pytest.raises(CatalogError) as caught:
        catalog.find(uses, directory)
    return caught.value.message, caught.value.hint


def test_a_registered_stage_is_found_with_its_origin() -> None:
    found = TINY.find("build", Path())
    assert (found.stage_class, found.origin, found.version) == (Build, "tiny 1.0", "tiny 1.0")


def test_only_what_is_asked_for_is_loaded() -> None:
    catalog = Catalog([FakePoint("code", Code), FakePoint("broken", ImportError("no luck"))])
    assert catalog.find("code", Path()).stage_class is Code


def test_the_built_in_stages_come_first_and_in_their_usual_order() -> None:
    points = [FakePoint(name, Code) for name in ("scan", "build", "audit", "code")]
    assert Catalog(points).names() == ("code", "build", "audit", "scan")


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    assert refusal(TINY, "biuld") == ("there is no stage `biuld`", "Did you mean `build`?")
    assert refusal(Catalog([]), "build")[1].startswith("No stages are registered")


def test_a_clash_names_both_origins() -> None:
    catalog = Catalog([
        FakePoint("build", Build, "tiny:Build"),
        FakePoint("build", Build, "acme.stages:Build", FakeDistribution("acme", "2.3")),
    ])  # fmt: skip
    message = (
        "the stage `build` is registered by tiny 1.0 (tiny:Build) and acme 2.3 (acme.stages:Build)"
    )
    assert refusal(catalog, "build") == (
        message,
        "Uninstall one of them, or name the class itself: `uses: module:Class`.",
    )
    with pytest.raises(CatalogError, match="is registered by tiny"):
        catalog.list()


def test_the_same_registration_twice_is_no_clash() -> None:
    catalog = Catalog([FakePoint("build", Build), FakePoint("build", Build)])
    assert catalog.find("build", Path()).stage_class is Build


def test_the_list_has_everything_to_show() -> None:
    listed = {stage.name: stage for stage in TINY.list()}
    assert listed["code"].summary == "takes the code"
    assert (listed["build"].needs, listed["build"].makes) == (("Source",), ("Images",))
    assert listed["build"].origin == "tiny 1.0"
    assert all(stage.error == "" for stage in listed.values())


def test_the_list_shows_what_cannot_be_loaded() -> None:
    (listed,) = Catalog([FakePoint("scan", ModuleNotFoundError("No module named 'trivy'"))]).list()
    assert listed.error.startswith(
        "the stage `scan` of tiny 1.0 cannot be loaded: ModuleNotFoundError:"
        " No module named 'trivy' ("
    )


def test_makers_name_who_can_make_something() -> None:
    catalog = Catalog([FakePoint("code", Code), FakePoint("broken", ImportError("no luck"))])
    assert catalog.makers(Source) == ("code",)
    assert catalog.makers(Images) == ()


def test_the_installed_stages_are_dockcycles_own() -> None:
    catalog = Catalog.builtin_and_installed()
    assert {"code", "build", "operate"} <= set(catalog.names())


class Idle(Stage[StageOptions]):
    name = "idle"

    def run(self, ctx: Context) -> Sequence[Artifact]:
        return ()


class NoRun(Stage[StageOptions]):
    name = "idle"


class NoName(Stage[StageOptions]):
    def run(self, ctx: Context) -> Sequence[Artifact]:
        return ()


class BadOptions(Idle):
    Options = dict  # type: ignore[assignment]  # that is what is tested


class Reserved(Idle):
    class Options(StageOptions):
        timeout: int = 1
        when: str = ""


class BadNeeds(Idle):
    needs: ClassVar[Any] = frozenset({"Images"})


class OtherName(Idle):
    name = "other"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (len, "`idle` of tiny 1.0 (tiny:Stage) is no stage"),
        (dict, "`idle` of tiny 1.0 (tiny:Stage) is no stage"),
        (NoRun, "`idle` of tiny 1.0 (tiny:Stage) does not define `run`"),
        (NoName, "`idle` of tiny 1.0 (tiny:Stage) has no `name`"),
        (BadOptions,
         "`idle` of tiny 1.0 (tiny:Stage): `Options` must be a subclass of `StageOptions`"),
        (Reserved,
         "`idle` of tiny 1.0 (tiny:Stage): `timeout`, `when` cannot be an option: every entry has"
         " this key"),
        (BadNeeds, "`idle` of tiny 1.0 (tiny:Stage): `needs` must hold Artifact classes only"),
        (OtherName, "tiny 1.0 registers `idle`, but tiny:Stage calls itself `other`"),
    ],
)  # fmt: skip
def test_a_class_that_breaks_the_contract_is_refused(what: Any, message: str) -> None:
    assert refusal(Catalog([FakePoint("idle", what)]), "idle")[0] == message


def test_a_module_that_exits_is_refused() -> None:
    message, _ = refusal(Catalog([FakePoint("idle", SystemExit(3))]), "idle")
    assert message.startswith("the stage `idle` of tiny 1.0 cannot be loaded: SystemExit: 3 (")


# by file


def test_a_class_from_a_file_beside_the_pipeline(folder: Path) -> None:
    text = "name: a\nstages: [code, build, {scan: {uses: './ci/scan.py:Scan', level: low}}]\n"
    entry = read(folder, text).entries[2]
    assert (entry.key, entry.uses, entry.origin) == ("scan", "./ci/scan.py:Scan", "./ci/scan.py")
    assert entry.options.model_dump() == {"level": "low"}
    assert type(entry.create()).__module__.startswith("dockcycle_uses_")


def test_the_users_tree_stays_clean(folder: Path) -> None:
    TINY.find("./ci/scan.py:Scan", folder)
    assert [path.name for path in (folder / "ci").iterdir()] == ["scan.py"]


def test_a_changed_file_is_another_class_with_another_version(folder: Path) -> None:
    first = TINY.find("./ci/scan.py:Scan", folder)
    assert TINY.find("./ci/scan.py:Scan", folder).stage_class is first.stage_class
    (folder / "ci" / "scan.py").write_text(SCAN.replace('"high"', '"low"'))
    second = TINY.find("./ci/scan.py:Scan", folder)
    assert second.stage_class.Options().model_dump() == {"level": "low"}
    assert second.version != first.version


def test_two_files_of_one_name_do_not_meet(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "scan.py").write_text(SCAN)
    first = TINY.find("./ci/scan.py:Scan", folder)
    assert TINY.find("./other/scan.py:Scan", folder).stage_class is not first.stage_class


def test_mistakes_with_files_are_told_at_the_entry(folder: Path) -> None:
    text = """\
name: a
stages:
  - code
  - build
  - a: {uses: ./ci/scna.py:Scan}
  - b: {uses: ./ci/scan.py:Scna}
  - c: {uses: './ci/scan.py:Sc an'}
  - d: {uses: ./ci:Scan}
"""
    assert complaints(folder, text) == [
        f"5 stages.a.uses: there is no file ./ci/scna.py | It is looked for in {folder}.",
        "6 stages.b.uses: ./ci/scan.py has no class `Scna` | Did you mean `Scan`?",
        "7 stages.c.uses: `Sc an` is no name of a class"
        " | Write `module:Class` or `./path.py:Class`.",
        "8 stages.d.uses: ./ci cannot be read: Is a directory",
    ]


def test_code_that_fails_is_told_with_its_line(folder: Path) -> None:
    file = folder / "ci" / "scan.py"
    file.write_text("x = 1\nx / 0\n")
    assert refusal(TINY, "./ci/scan.py:Scan", folder)[0] == (
        f"./ci/scan.py cannot be loaded: ZeroDivisionError: division by zero ({file}, line 2)"
    )
    file.write_text("class Scan\n")
    message, _ = refusal(TINY, "./ci/scan.py:Scan", folder)
    assert message == "./ci/scan.py cannot be loaded: SyntaxError: expected ':' (scan.py, line 1)"
    file.write_text("import trivy_that_is_not_there\n")
    message, hint = refusal(TINY, "./ci/scan.py:Scan", folder)
    assert "ModuleNotFoundError: No module named 'trivy_that_is_not_there'" in message
    assert hint == "Install the package that is missing."
    assert not [name for name in sys.modules if name.startswith("trivy_that")]


# by module


def test_a_class_from_a_module() -> None:
    found = TINY.find("tests.support.config:Build", Path())
    assert (found.stage_class, found.origin) == (Build, "module tests.support.config")


@pytest.mark.parametrize(
    ("uses", "message", "hint"),
    [
        ("nope.stages:Scan", "there is no module `nope` here",
         "Install the package that has it, or name a file: `uses: ./ci/scan.py:Scan`."),
        ("tests.nope:Scan", "there is no module `tests.nope` here", None),
        ("json:Scan", "the module `json` has no class `Scan`", ""),
        ("json:loads", "`loads` of the module `json` is no stage",
         "A stage is a subclass of `pipeline.stage.Stage`."),
        ("no module:Scan", "`no module` is no name of a module",
         "Write `module:Class` or `./path.py:Class`."),
        ("tests.support.config:Bulid", "the module `tests.support.config` has no class `Bulid`",
         "Did you mean `Build`?"),
    ],
)  # fmt: skip
def test_mistakes_with_modules_are_told(uses: str, message: str, hint: str | None) -> None:
    found = refusal(TINY, uses)
    assert found[0] == message
    assert hint is None or found[1] == hint
