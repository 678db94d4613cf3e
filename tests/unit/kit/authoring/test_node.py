"""Node.js: which manager, which version, which stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made
from tests.support.node_apps import SERVER, package

TYPESCRIPT = {"tsconfig.json": '{"compilerOptions": {"outDir": "./dist", "rootDir": "src"}}'}


# which manager


@pytest.mark.parametrize(
    ("files", "has"),
    [
        ({"package-lock.json": '"a"'}, "npm ci --omit=dev"),
        ({"yarn.lock": "# yarn lockfile v1\na@1:"}, "yarn install --frozen-lockfile"),
        ({"yarn.lock": "__metadata:\n  version: 8\na@1:"}, "yarn workspaces focus --all"),
        ({"yarn.lock": "__metadata:\n  version: 6\na@1:"}, "@yarnpkg/cli-dist@3"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\na:"}, "pnpm@9\n"),
        ({"pnpm-lock.yaml": "lockfileVersion: '6.0'\na:"}, "pnpm@8\n"),
        ({"bun.lock": '"a"'}, "bun install --frozen-lockfile --production"),
        ({}, "npm install --omit=dev"),
    ],
)
def test_managers(tmp_path: Path, files: dict[str, str], has: str) -> None:
    described = package(main="s.js", dependencies={"a": "1"})
    result = made(tmp_path, {"package.json": described, "s.js": SERVER, **files})
    assert has in result.text
    assert bool(result.told()) is (not files)
    last = result.text.split("\nFROM")[-1]
    assert "--global" not in last


def test_what_npm_compiled_of_itself_is_in_no_image(tmp_path: Path) -> None:
    described = package(main="s.js", dependencies={"a": "1"})
    files = {"package.json": described, "s.js": SERVER, "package-lock.json": '"a"'}
    (step,) = made(tmp_path, files).text.split("\nRUN ")[2:]
    assert step.startswith(
        "--mount=type=cache,target=/root/.npm \\\n"
        "    --mount=type=cache,target=/tmp/node-compile-cache \\\n"
        "    npm ci --omit=dev"
    )


def test_the_exact_manager_that_package_json_names(tmp_path: Path) -> None:
    described = package(
        main="s.js", dependencies={"a": "1"}, packageManager="pnpm@9.12.1+sha512.abc"
    )
    files = {"package.json": described, "s.js": SERVER, "pnpm-lock.yaml": "a:",
             "package-lock.json": '"a"'}  # fmt: skip
    result = made(tmp_path, files)
    assert "npm install --global pnpm@9.12.1\n" in result.text
    assert "package-lock.json is not used: packageManager names pnpm" in result.told()


def test_of_two_lock_files_the_current_one_counts(tmp_path: Path) -> None:
    described = package(main="s.js", dependencies={"express": "5"})
    files = {"package.json": described, "s.js": SERVER, "yarn.lock": "koa@3:",
             "package-lock.json": '"express"'}  # fmt: skip
    result = made(tmp_path, files)
    assert "npm ci" in result.text
    told = "yarn.lock is not used: package-lock.json is, and express is not in this one"
    assert told in result.told()


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"yarn.lock": '"express"'}, "yarn.lock is; npm's is also made by whoever types"),
        (
            {"pnpm-lock.yaml": '"express"', "pnpm-workspace.yaml": ""},
            "pnpm-lock.yaml is, and pnpm-workspace.yaml goes with it",
        ),
    ],
)
def test_of_two_current_lock_files_one_wins_and_it_is_told_why(
    tmp_path: Path, others: dict[str, str], why: str
) -> None:
    files = {"package.json": package(main="s.js", dependencies={"express": "5"}), "s.js": SERVER,
             "package-lock.json": '"express"'}  # fmt: skip
    assert f"package-lock.json is not used: {why}" in made(tmp_path, files | others).told()


# which version


@pytest.mark.parametrize(
    ("files", "more", "version"),
    [
        ({".nvmrc": "lts/iron\n"}, {}, "20"),
        ({}, {"volta": {"node": "20.11.1"}}, "20"),
        ({".nvmrc": "lts/*"}, {"engines": {"node": ">=18 <21"}}, "20"),
    ],
)
def test_version(
    tmp_path: Path, files: dict[str, str], more: dict[str, object], version: str
) -> None:
    result = made(tmp_path, {"package.json": package(main="s.js", **more), "s.js": "", **files})
    assert result.froms[-1] == f"node:{version}-slim"


def test_a_version_that_nobody_publishes(tmp_path: Path) -> None:
    files = {"package.json": package(main="s.js"), "s.js": "", ".nvmrc": "v99.1.0\n"}
    with pytest.raises(StageFailed, match=r"nobody publishes Node\.js 99.1.0") as raised:
        made(tmp_path, files)
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == (".nvmrc", 1)


# stages


def test_a_change_of_the_code_installs_nothing(tmp_path: Path) -> None:
    described = package(
        scripts={"build": "tsc", "start": "node dist/s.js", "prepare": "husky"},
        dependencies={"a": "1"}, devDependencies={"typescript": "5"},
    )  # fmt: skip
    text = made(tmp_path, {"package.json": described, "src/s.ts": SERVER, **TYPESCRIPT}).text
    stages = dict(zip(["manifest", "dependencies", "tools", "build", ""], text.split("\nFROM"),
                      strict=True))  # fmt: skip
    assert "npm pkg delete scripts.prepare" in stages["manifest"]
    assert "--omit=dev" in stages["dependencies"]
    assert "install" not in stages["build"]
    assert "from=tools,source=/app/node_modules" in stages["build"]
    assert "COPY --from=dependencies /app/node_modules ./node_modules" in stages[""]


def test_an_install_that_needs_the_code_is_one_stage(tmp_path: Path) -> None:
    described = package(
        scripts={"build": "tsc", "start": "node dist/s.js"},
        dependencies={"@prisma/client": "6"}, devDependencies={"prisma": "6", "typescript": "5"},
    )  # fmt: skip
    text = made(tmp_path, {"package.json": described, "src/s.ts": SERVER, **TYPESCRIPT}).text
    build, last = text.split("\nFROM")
    assert build.index("COPY . ./") < build.index("npm install")
    assert "npm prune --omit=dev" in build
    assert "openssl" in last


def test_what_is_compiled_leaves_no_compiler(tmp_path: Path) -> None:
    described = package(main="s.js", dependencies={"better-sqlite3": "11"})
    first, last = made(tmp_path, {"package.json": described, "s.js": SERVER}).text.split("\nFROM")
    assert "g++ make python3" in first
    assert "npm_config_nodedir=/usr/local" in first
    assert "g++" not in last
