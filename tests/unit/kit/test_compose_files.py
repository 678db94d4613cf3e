from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.adapters.fake_compose import FakeCompose
from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import ConfigError, UsageError
from pipeline.kit.compose_files import ComposeFiles, declared, resolve
from pipeline.scope import Scope

TEXT = """\
services:
  web:
    image: w
    environment: {A: "${A}", T: "${T}"}
    depends_on: {db: {condition: service_started}}
  db: {image: d}
  other: {image: o}
"""


def peers(**more: Any) -> dict[str, object]:
    options = {"compose": ("compose.yaml",), "profiles": (), "env_file": (), "services": ()} | more
    return {"run": SimpleNamespace(**options), "build": SimpleNamespace()}


def folders(tmp_path: Path) -> tuple[Path, Path]:
    app, project = tmp_path / "app", tmp_path / "project"
    app.mkdir()
    project.mkdir()
    return app, project


def test_a_project_without_compose_has_none(tmp_path: Path) -> None:
    assert declared({}, app=tmp_path, project=tmp_path) is None
    assert declared(peers(compose=()), app=tmp_path, project=tmp_path) is None


def test_files_are_looked_for_in_the_app_then_beside_the_pipeline_file(tmp_path: Path) -> None:
    app, project = folders(tmp_path)
    (project / "compose.yaml").touch()
    (project / "prod.env").touch()
    given = peers(env_file=("prod.env",), profiles=("p",), services=("web",))
    found = declared(given, app=app, project=project)
    assert found == ComposeFiles(
        files=(str(project / "compose.yaml"),), directory=str(project), profiles=("p",),
        env_files=(str(project / "prod.env"),), services=("web",),
    )  # fmt: skip
    (app / "compose.yaml").touch()
    found = declared(given, app=app, project=project)
    assert found is not None
    assert found.directory == str(app)


def test_a_missing_file_is_a_mistake_in_the_pipeline_file(tmp_path: Path) -> None:
    app, project = folders(tmp_path)
    with pytest.raises(ConfigError, match=r"no file compose\.yaml in .*app or .*project"):
        declared(peers(), app=app, project=project)


def resolved(tmp_path: Path, *services: str) -> Any:
    (tmp_path / "compose.yaml").write_text(TEXT)
    files = ComposeFiles(
        files=(str(tmp_path / "compose.yaml"),), directory=str(tmp_path), services=services
    )
    return resolve(
        FakeCompose(FakeEngine()), files, project="shop", variables={"A": "1", "T": "plain"},
        secrets=["T"], scope=Scope(),
    )  # fmt: skip


def test_secrets_are_seen_as_references(tmp_path: Path) -> None:
    made = resolved(tmp_path)
    assert made["services"]["web"]["environment"] == {"A": "1", "T": "{secret:T}"}


def test_only_the_services_that_are_wanted(tmp_path: Path) -> None:
    assert set(resolved(tmp_path, "web")["services"]) == {"web", "db"}
    with pytest.raises(UsageError, match="no service wbe") as caught:
        resolved(tmp_path, "wbe")
    assert "db, other, web" in caught.value.hint
