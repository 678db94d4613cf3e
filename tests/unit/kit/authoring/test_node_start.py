"""How a Node.js app is started, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.kit.authoring.node import scripts
from tests.support.authored import made
from tests.support.node_apps import SERVER, package

TYPESCRIPT = {"tsconfig.json": '{"compilerOptions": {"outDir": "./dist", "rootDir": "src"}}'}


@pytest.mark.parametrize(
    ("values", "files", "command"),
    [
        (  # compiled by a script, started by nothing
            {"scripts": {"build": "tsc"}, "devDependencies": {"typescript": "5"}},
            {**TYPESCRIPT, "src/server.ts": SERVER}, '["node", "dist/server.js"]',
        ),
        (  # by no script at all
            {"main": "dist/index.js", "devDependencies": {"typescript": "5"}},
            {**TYPESCRIPT, "src/index.ts": SERVER}, '["node", "dist/index.js"]',
        ),
        (  # a runner, where there is a compiler
            {"scripts": {"build": "tsc", "start": "ts-node src/app.ts"},
             "devDependencies": {"typescript": "5", "ts-node": "10"}},
            {**TYPESCRIPT, "src/app.ts": SERVER}, '["node", "dist/app.js"]',
        ),
        (
            {"scripts": {"start": "nest start", "start:prod": "node dist/main",
                         "build": "nest build"}},
            {"src/main.ts": SERVER}, '["node", "dist/main"]',
        ),
        (
            {"scripts": {"start": "npm run serve", "serve": "cross-env A=1 node s.js"}},
            {"s.js": SERVER}, '["env", "A=1", "node", "s.js"]',
        ),
        (
            {"scripts": {"start": "npm run build && node out/s.js", "build": "webpack"}},
            {"src/s.js": SERVER}, '["node", "out/s.js"]',
        ),
        (
            {"scripts": {"prestart": "tsc", "start": "node dist/s.js"}},
            {"src/s.ts": SERVER}, '["node", "dist/s.js"]',
        ),
        (
            {"scripts": {"build": "esbuild src/a.ts --bundle --outfile=build/a.js",
                         "start": "tsx watch src/a.ts"}},
            {"src/a.ts": SERVER}, '["node", "build/a.js"]',
        ),
    ],
)  # fmt: skip
def test_start(
    tmp_path: Path, values: dict[str, object], files: dict[str, str], command: str
) -> None:
    result = made(tmp_path, {"package.json": package(**values), **files})
    assert result.command == f"CMD {command}"
    assert "AS build" in result.text or "s.js" in files


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("nodemon s.js", "node s.js"),
        ("A=1 nodemon s.js", "A=1 node s.js"),
        ("nodemon --watch src --exec 'ts-node src/s.ts'", "ts-node src/s.ts"),
        ("nodemon --exec babel-node s.js", "babel-node s.js"),
        ("node --env-file=.env s.js", "node s.js"),
        ("node --watch --inspect s.js", "node s.js"),
        ("tsx watch src/s.ts", "tsx src/s.ts"),
        ("pm2 start s.js", "node s.js"),
        ("pm2 start ecosystem.config.js", "pm2-runtime start ecosystem.config.js"),
        ("node s.js --watch", "node s.js --watch"),
    ],
)
def test_as_in_production(written: str, command: str) -> None:
    assert scripts.in_production(written) == command


def test_a_tool_that_the_start_needs_stays(tmp_path: Path) -> None:
    described = package(
        scripts={"start": "tsx src/a.ts"}, dependencies={"hono": "4"}, devDependencies={"tsx": "^4"}
    )
    result = made(tmp_path, {"package.json": described, "src/a.ts": SERVER})
    assert 'npm pkg set "dependencies.tsx=^4"' in result.text
    assert "move it to dependencies" in result.told()


def test_next_reads_its_configuration_again_when_it_starts(tmp_path: Path) -> None:
    values = {"dependencies": {"next": "15"}, "devDependencies": {"typescript": "^5"},
              "scripts": {"build": "next build", "start": "next start"}}  # fmt: skip
    text = made(tmp_path, {"package.json": package(**values), "next.config.ts": "x"}).text
    assert 'npm pkg set "dependencies.typescript=^5"' in text
    assert 'Next.js: `output: "standalone"`' in made(tmp_path, {}).told()
    (tmp_path / "next.config.ts").write_text('const c = {\n  output: "standalone" }')
    assert "typescript" not in made(tmp_path, {}).text


def test_ts_node_checks_no_types_that_are_not_there(tmp_path: Path) -> None:
    described = package(scripts={"start": "ts-node src/a.ts"}, dependencies={"cors": "2"},
                        devDependencies={"ts-node": "^10", "@types/cors": "2"})  # fmt: skip
    result = made(tmp_path, {"package.json": described, "src/a.ts": SERVER})
    assert "TS_NODE_TRANSPILE_ONLY=true" in result.text


def test_a_server_without_package_json(tmp_path: Path) -> None:
    result = made(tmp_path, {"server.js": SERVER})
    assert result.command == 'CMD ["node", "server.js"]'
    assert "npm" not in result.text


def test_the_port_in_the_file_that_is_started(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"start": "node bin/www"}),
        "bin/www": "listen(normalizePort(process.env.PORT || '3210'))",
        "other.js": "const port = process.env.PORT || 1111",
    }
    assert made(tmp_path, files).port == 3210


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({"start": "node servr.js"}, "starts servr.js, which is not there"),
        ({"start": "npm run nothere"}, "needs a script nothere"),
        ({"start": "node src/x.js", "build": "tsc"}, r"starts src/x\.js, which is not there"),
    ],
)
def test_a_start_that_does_not_exist(tmp_path: Path, scripts: dict[str, str], message: str) -> None:
    files = {"package.json": package(scripts=scripts), "src/server.js": SERVER}
    with pytest.raises(StageFailed, match=message) as raised:
        made(tmp_path, files)
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == ("package.json", 3)
    assert raised.value.hint


def test_scripts_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match='"scripts" is not an object') as raised:
        made(tmp_path, {"package.json": '{\n"name": "a",\n"scripts": ["start"]}'})
    assert raised.value.where is not None
    assert raised.value.where.line == 3
