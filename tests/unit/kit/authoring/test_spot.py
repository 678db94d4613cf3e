"""Which folder a build of an app has to see."""

from __future__ import annotations

from pathlib import Path

from pipeline.kit.authoring import Wishes, spot

WORKSPACE = '{"workspaces": ["apps/*"]}'
APP = '{"name": "web", "scripts": {"start": "node a.js"}}'
NO_WISHES = Wishes()


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_member_of_a_workspace_is_built_with_it(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": WORKSPACE, "apps/web/package.json": APP})
    found = spot(tmp_path / "apps/web", tmp_path, NO_WISHES)
    assert (found.context, found.app) == (tmp_path, "apps/web")
    assert "part of a workspace" in found.reasons[0].because


def test_nothing_above_the_top_counts(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": WORKSPACE, "apps/web/package.json": APP})
    found = spot(tmp_path / "apps/web", tmp_path / "apps/web", NO_WISHES)
    assert (found.context, found.app) == (tmp_path / "apps/web", None)


def test_an_app_beside_a_workspace_is_no_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": WORKSPACE, "tools/x/package.json": APP})
    assert spot(tmp_path / "tools/x", tmp_path, NO_WISHES).context == tmp_path / "tools/x"


def test_the_only_app_in_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "", "deploy.sh": "#!/bin/sh\n", "server/requirements.txt": ""})
    found = spot(tmp_path, tmp_path, NO_WISHES)
    assert found.context == tmp_path / "server"
    assert found.reasons[0].doubtful
    write(tmp_path, {"web/package.json": APP})
    assert spot(tmp_path, tmp_path, NO_WISHES).context == tmp_path


def test_an_app_is_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "", "web/package.json": APP})
    assert spot(tmp_path, tmp_path, NO_WISHES).context == tmp_path


def test_a_broken_file_above_is_not_the_apps(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": "{", "web/requirements.txt": ""})
    assert spot(tmp_path / "web", tmp_path, NO_WISHES).context == tmp_path / "web"
