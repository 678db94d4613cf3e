import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import config
from pipeline.catalog import Catalog
from pipeline.ports.repo import Head
from tests.support.desk import Desk, NoGit

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


@pytest.fixture
def empty(desk: Desk) -> Desk:
    for file in desk.folder.iterdir():
        file.unlink()
    return desk


def loaded(folder: Path) -> config.Pipeline:
    return config.load(
        folder / "pipeline.yml", catalog=Catalog.builtin_and_installed(), variables={}
    )


def test_init_writes_what_runs_as_it_is(empty: Desk) -> None:
    empty.write("app.py", FLASK)
    empty.write("requirements.txt", "flask\n")
    said = empty("init")
    assert said.code == 0
    assert [line.split() for line in said.out.splitlines()[:3]] == [
        ["wrote", "pipeline.yml"], ["wrote", "Dockerfile"], ["wrote", ".dockerignore"],
    ]  # fmt: skip
    pipeline = loaded(empty.folder)
    assert pipeline.name == "hello"
    assert [entry.key for entry in pipeline.entries][-1] == "operate"
    assert empty("validate").code == 0


def test_init_leaves_files_alone_without_force(empty: Desk) -> None:
    empty.write("Dockerfile", "FROM scratch\nEXPOSE 7000\n")
    empty.write("pipeline.yml", "mine")
    said = empty("init")
    assert said.out.splitlines()[0].split() == ["kept", "pipeline.yml"]
    assert (empty.folder / "pipeline.yml").read_text() == "mine"
    assert empty("init", "--force", "--name", "other").code == 0
    pipeline = loaded(empty.folder)
    assert pipeline.name == "other"
    assert (empty.folder / "Dockerfile").read_text() == "FROM scratch\nEXPOSE 7000\n"
    assert "{port: 7000}" in (empty.folder / "pipeline.yml").read_text()


def test_init_for_a_worker(empty: Desk) -> None:
    empty.write("Dockerfile", "FROM scratch\n")
    assert empty("init").code == 0
    text = (empty.folder / "pipeline.yml").read_text()
    assert "\n  - run\n" in text and "publish" not in text
    assert loaded(empty.folder).entries


@pytest.mark.parametrize("name", ["compose.yaml", "docker-compose.yml"])
def test_init_for_compose_writes_no_dockerfile(empty: Desk, name: str) -> None:
    empty.write(name, "services: {web: {build: .}}\n")
    empty("init", "--github")
    assert loaded(empty.folder).entries
    assert f"run: {{compose: {name}}}" in (empty.folder / "pipeline.yml").read_text()
    assert not (empty.folder / "Dockerfile").exists()
    assert "to: smoke" in (empty.folder / ".github/workflows/dockcycle.yml").read_text()


def test_init_for_github_names_the_repository_and_the_action(
    empty: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head(root=str(empty.folder), commit=None, branch="main")
    monkeypatch.setattr(NoGit, "head", lambda self, directory: head)
    monkeypatch.setattr(
        NoGit, "remote_url", lambda self, directory, remote: "git@github.com:Acme/Hello.git",
        raising=False,
    )  # fmt: skip
    empty.write("Dockerfile", "FROM scratch\nEXPOSE 7000\n")
    action = f"acme/dockcycle@{'a' * 40}"
    assert empty("init", "--action", action).code == 0
    text = (empty.folder / ".github/workflows/dockcycle.yml").read_text()
    assert "stages.push.to=[ghcr.io/acme/hello]" in text and f"uses: {action}\n" in text


def test_init_for_an_app_in_a_folder_below(empty: Desk) -> None:
    app = empty.folder / "the app"
    app.mkdir()
    (app / "app.py").write_text(FLASK)
    (app / "requirements.txt").write_text("flask\n")
    assert empty("init", "--path", "the app").code == 0
    assert (app / "Dockerfile").exists() and not (empty.folder / "Dockerfile").exists()
    options: Any = loaded(empty.folder).entries[0].options
    assert options.path == "the app"
    for wrong in ("nowhere", "..", "/"):
        assert empty("init", "--path", wrong).code == 2


def test_init_says_when_it_cannot_tell_what_this_is(empty: Desk) -> None:
    said = empty("init")
    assert said.code == 1 and "next: " in said.err
    assert list(empty.folder.iterdir()) == []
    wrong = empty("init", "--name", "Not Good")
    assert wrong.code == 2 and "not-good" in wrong.err


def test_validate(desk: Desk) -> None:
    assert desk("validate").out.startswith("pipeline.yml is valid: hello (code, dockerfile")
    assert desk("validate", "--json").json()["stages"][0] == "code"
    desk.change("port: 5000", "prot: 5000")
    problem = desk("validate", "--json")
    assert problem.code == 2
    [found] = problem.json()["problems"]
    assert (found["file"], found["line"]) == ("pipeline.yml", 7)
    assert "port" in found["hint"]


def test_schema_is_json(desk: Desk) -> None:
    assert json.loads(desk("schema").out)["$schema"].startswith("https://json-schema.org/")


def test_stages_have_their_origin(desk: Desk) -> None:
    names = {stage["name"]: stage for stage in desk("stages", "--json").json()}
    assert names["push"]["origin"].startswith("dockcycle ")
    assert "Images" in names["build"]["makes"]
    assert "smoke" in desk("stages").out


def test_doctor_knows_a_remedy(desk: Desk) -> None:
    found = {d["name"]: d for d in desk("doctor", "--json").json()}
    assert found["engine"]["state"] == "ok" and found["state"]["state"] == "ok"
    registry = found["registry reg.example"]
    assert registry["state"] == "warning" and registry["remedy"] == "`docker login reg.example`"
    desk.engine.state.unavailable = True
    said = desk("doctor")
    assert said.code == 4 and "engine" in said.out


def test_doctor_works_without_a_project(empty: Desk) -> None:
    said = empty("doctor")
    assert said.code == 4
    assert said.out.splitlines()[0].startswith("pipeline file  failed")
    assert "dockcycle init" in said.out
