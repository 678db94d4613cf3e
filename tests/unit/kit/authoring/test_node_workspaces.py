"""Workspaces of npm, Yarn, pnpm and Bun."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made
from tests.support.node_apps import SERVER, package

WORKSPACE = {
    "package.json": package(workspaces=["apps/*", "packages/*"]),
    "packages/lib/package.json": package(name="lib", scripts={"build": "tsc"}),
    "apps/web/package.json": package(
        name="web", dependencies={"lib": "*"}, scripts={"build": "tsc", "start": "node dist/a.js"}
    ),
    "apps/web/src/a.ts": SERVER,
}


def test_the_only_app_of_a_workspace(tmp_path: Path) -> None:
    text = made(tmp_path, WORKSPACE).text
    for folder in ("apps/web", "packages/lib"):
        assert f"COPY {folder}/package.json ./{folder}/" in text
    assert "WORKDIR /app/apps/web" in text
    last = text.split("\nFROM")[-1]
    modules, build = "COPY --from=dependencies /app ./", "COPY --from=build --chown=node:node /app"
    assert last.index(modules) < last.index(build)


def test_a_change_of_the_app_builds_no_package_that_it_is_made_of(tmp_path: Path) -> None:
    settings = {
        "tsconfig.base.json": "{}",
        "apps/web/tsconfig.json": '{"extends": "../../tsconfig.base"}',
    }
    text = made(tmp_path, {**WORKSPACE, **settings, "README.md": "x"}).text
    steps = (
        "COPY tsconfig.base.json ./", "COPY packages/lib ./packages/lib",
        "RUN npm run build --workspace=packages/lib", "COPY apps/web ./apps/web",
        "WORKDIR /app/apps/web", "node --run build",
    )  # fmt: skip
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert "COPY . ./" not in text


@pytest.mark.parametrize(
    "file",
    [
        {"packages/lib/src/a.ts": "import x from '../../../shared/x'"},
        {"apps/web/src/b.ts": 'import { other } from "other";'},
        {"apps/web/tsconfig.json": '{"extends": "../../config/tsconfig.json"}'},
        {"package.json": package(workspaces=["apps/*", "packages/*"],
                                 scripts={"postinstall": "node make.js"})},
    ],
)  # fmt: skip
def test_packages_that_read_elsewhere_are_built_with_all_of_the_code(
    tmp_path: Path, file: dict[str, str]
) -> None:
    other = {"packages/other/package.json": package(name="other")}
    text = made(tmp_path, {**WORKSPACE, **other, **file}).text
    steps = ("COPY . ./", "--workspace=packages/lib", "WORKDIR /app/apps/web", "node --run build")
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize("more", [{}, {"apps/web/b.js": "require('../../shared/x')"}])
def test_an_app_that_is_not_built_of_packages_that_are(
    tmp_path: Path, more: dict[str, str]
) -> None:
    app = package(name="web", dependencies={"lib": "*"}, scripts={"start": "node a.js"})
    files = {"apps/web/package.json": app, "apps/web/a.js": SERVER, **more}
    text = made(tmp_path, {**WORKSPACE, **files}).text
    assert "RUN npm run build --workspace=packages/lib" in text
    assert "COPY --from=build --chown=node:node /app ./" in text
    assert "node --run" not in text


def test_the_frameworks_own_build_of_a_member(tmp_path: Path) -> None:
    site = package(name="web", devDependencies={"vite": "6"}, scripts={"dev": "vite"})
    files = {"package.json": package(workspaces=["apps/*"]), "apps/web/package.json": site,
             "apps/web/index.html": "x"}  # fmt: skip
    text = made(tmp_path, files, app="apps/web").text
    assert "WORKDIR /app/apps/web\n\nRUN vite build\n" in text
    assert "PATH=/app/apps/web/node_modules/.bin:/app/node_modules/.bin:$PATH" in text
    assert "COPY --from=build /app/apps/web/dist /usr" in text


def test_several_apps_of_a_workspace_are_named(tmp_path: Path) -> None:
    other = {"apps/api/package.json": package(name="api", scripts={"start": "node a.js"}),
             "apps/api/a.js": SERVER}  # fmt: skip
    with pytest.raises(StageFailed, match="several apps: apps/api, apps/web") as raised:
        made(tmp_path, {**WORKSPACE, **other})
    assert "dockerfile: {app: apps/api}" in raised.value.hint
    assert "WORKDIR /app/apps/api" in made(tmp_path, {}, app="apps/api").text
    with pytest.raises(StageFailed, match="is no package of the workspace"):
        made(tmp_path, {}, app="apps/none")
