"""Node.js: which manager, which stages, what a framework makes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.kit.authoring.node import scripts
from tests.support.authored import Made, made

SERVER = "require('http').createServer(x).listen(process.env.PORT || 3000)"
TYPESCRIPT = {"tsconfig.json": '{"compilerOptions": {"outDir": "./dist", "rootDir": "src"}}'}


def package(**values: object) -> str:
    return json.dumps(values, indent=2)


def doubts(result: Made) -> str:
    return "\n".join(f"{r.value}: {r.because}" for r in result.authored.reasons if r.doubtful)


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
    assert bool(doubts(result)) is (not files)
    last = result.text.split("\nFROM")[-1]
    assert "--global" not in last


def test_the_exact_manager_that_package_json_names(tmp_path: Path) -> None:
    described = package(
        main="s.js", dependencies={"a": "1"}, packageManager="pnpm@9.12.1+sha512.abc"
    )
    files = {"package.json": described, "s.js": SERVER, "pnpm-lock.yaml": "a:",
             "package-lock.json": '"a"'}  # fmt: skip
    result = made(tmp_path, files)
    assert "npm install --global pnpm@9.12.1\n" in result.text
    assert "package-lock.json is not used: packageManager names pnpm" in doubts(result)


def test_of_two_lock_files_the_current_one_counts(tmp_path: Path) -> None:
    described = package(main="s.js", dependencies={"express": "5"})
    files = {"package.json": described, "s.js": SERVER, "yarn.lock": "koa@3:",
             "package-lock.json": '"express"'}  # fmt: skip
    result = made(tmp_path, files)
    assert "npm ci" in result.text
    told = "yarn.lock is not used: package-lock.json is, and express is not in this one"
    assert told in doubts(result)


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
    assert f"package-lock.json is not used: {why}" in doubts(made(tmp_path, files | others))


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


# how it is started


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
    assert "move it to dependencies" in doubts(result)


def test_next_reads_its_configuration_again_when_it_starts(tmp_path: Path) -> None:
    values = {"dependencies": {"next": "15"}, "devDependencies": {"typescript": "^5"},
              "scripts": {"build": "next build", "start": "next start"}}  # fmt: skip
    text = made(tmp_path, {"package.json": package(**values), "next.config.ts": "x"}).text
    assert 'npm pkg set "dependencies.typescript=^5"' in text
    assert 'Next.js: `output: "standalone"`' in doubts(made(tmp_path, {}))
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


# frameworks


@pytest.mark.parametrize(
    ("values", "files", "site"),
    [
        ({"devDependencies": {"vite": "6"}, "scripts": {"dev": "vite", "build": "vite build"}},
         {"index.html": ""}, "dist"),
        ({"devDependencies": {"vite": "6"}, "scripts": {"build": "vite build --outDir public_"}},
         {"index.html": ""}, "public_"),
        ({"devDependencies": {"vite": "6"}},
         {"vite.config.ts": "export default { build: { outDir: 'web' } }"}, "web"),
        ({"dependencies": {"react-scripts": "5"}, "scripts": {"start": "react-scripts start"}},
         {"src/index.js": ""}, "build"),
        ({"dependencies": {"astro": "5"}, "scripts": {"start": "astro dev"}}, {}, "dist"),
        ({"dependencies": {"next": "15"}},
         {"next.config.js": "module.exports = { output: 'export' }"}, "out"),
        ({"dependencies": {"nuxt": "3"}, "scripts": {"build": "nuxt generate"}}, {},
         ".output/public"),
        ({"dependencies": {"@angular/core": "19"}},
         {"angular.json": package(projects={"shop": {"architect": {"build": {
             "builder": "@angular/build:application",
             "options": {"outputPath": "dist/shop"}}}}})}, "dist/shop/browser"),
        ({"devDependencies": {"@11ty/eleventy": "3"}}, {}, "_site"),
        ({"devDependencies": {"@11ty/eleventy": "3"},
          "scripts": {"start": "npx @11ty/eleventy --serve", "build": "npx @11ty/eleventy"}},
         {"eleventy.config.js": "module.exports = () => ({dir: {output: 'public'}})"}, "public"),
        ({"devDependencies": {"vitepress": "1"}, "scripts": {"build": "vitepress build docs"}}, {},
         "docs/.vitepress/dist"),
        ({"devDependencies": {"@sveltejs/kit": "2"}},
         {"svelte.config.js": "import a from '@sveltejs/adapter-static'"}, "build"),
    ],
)  # fmt: skip
def test_sites(tmp_path: Path, values: dict[str, object], files: dict[str, str], site: str) -> None:
    result = made(tmp_path, {"package.json": package(**values), **files})
    assert f"COPY --from=build /app/{site} /usr/share/nginx/html" in result.text
    assert result.port == 8080
    assert "node" not in result.froms[-1]


@pytest.mark.parametrize(
    ("values", "files", "command", "port", "has"),
    [
        ({"dependencies": {"next": "15"}, "scripts": {"start": "next start"}},
         {"next.config.ts": "export default {\n  output: 'standalone',\n}"},
         '["node", "server.js"]', 3000, "/app/.next/standalone ./"),
        ({"dependencies": {"next": "15"}, "scripts": {"start": "next start"}},
         {}, '["next", "start"]', 3000, "type=cache,target=/app/.next/cache"),
        ({"dependencies": {"nuxt": "3"}, "scripts": {"build": "nuxt build"}}, {},
         '["node", ".output/server/index.mjs"]', 3000, "/app/.output ./.output"),
        ({"dependencies": {"astro": "5"}, "scripts": {"build": "astro build"}},
         {"astro.config.mjs": "import node from '@astrojs/node'"},
         '["node", "dist/server/entry.mjs"]', 4321, "HOST=0.0.0.0"),
        ({"devDependencies": {"@sveltejs/kit": "2"}, "scripts": {"build": "vite build"}},
         {"svelte.config.js": "import a from '@sveltejs/adapter-auto'"},
         '["node", "build"]', 3000, "@sveltejs/adapter-node@5"),
        ({"dependencies": {"@remix-run/serve": "2"}, "devDependencies": {"vite": "5"},
          "scripts": {"build": "remix vite:build", "dev": "remix vite:dev"}}, {},
         '["remix-serve", "build/server/index.js"]', 3000, "node_modules/.bin"),
    ],
)  # fmt: skip
def test_frameworks(
    tmp_path: Path, values: dict[str, object], files: dict[str, str], command: str, port: int,
    has: str,
) -> None:  # fmt: skip
    result = made(tmp_path, {"package.json": package(**values), **files})
    assert result.command == f"CMD {command}"
    assert result.port == port
    assert has in result.text


@pytest.mark.parametrize("scripts", [{"format": "prettier ."}, {"start": "npx live-server"}])
def test_a_page_with_tools_beside_it_is_a_page(tmp_path: Path, scripts: dict[str, str]) -> None:
    described = package(main="index.js", scripts=scripts, devDependencies={"prettier": "3"})
    result = made(tmp_path, {"package.json": described, "index.html": "<p>"})
    assert [each for each in result.froms if "node" in each] == []
    assert result.port == 8080


def test_a_server_that_has_a_site_as_well_is_a_server(tmp_path: Path) -> None:
    described = package(
        scripts={"build": "vite build", "start": "node server.js"},
        dependencies={"express": "5"}, devDependencies={"vite": "6"},
    )  # fmt: skip
    result = made(tmp_path, {"package.json": described, "server.js": SERVER, "index.html": ""})
    assert result.command == 'CMD ["node", "server.js"]'
    assert "node --run build" in result.text


@pytest.mark.parametrize(
    ("scripts", "more", "command"),
    [
        ({"build": "tsc"}, {}, "node --run build"),
        ({"build": "tsc"}, {"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "node --run build"),
        ({"build": "tsc", "prebuild": "rm -rf dist"}, {}, "npm run build"),
        ({"build": "tsc --v $npm_package_version"}, {}, "npm run build"),
        ({"build": "tsc"}, {".nvmrc": "20"}, "npm run build"),
    ],
)
def test_a_script_runs_without_its_manager_where_that_is_the_same(
    tmp_path: Path, scripts: dict[str, str], more: dict[str, str], command: str
) -> None:
    described = package(scripts={"start": "node dist/a.js", **scripts})
    result = made(tmp_path, {"package.json": described, "src/a.ts": SERVER, **more})
    assert f"\n    {command}\n" in result.text


def test_bun_without_a_lock_file(tmp_path: Path) -> None:
    values = {"devDependencies": {"@types/bun": "latest"}, "dependencies": {"hono": "4"}}
    files = {"package.json": package(**values), "src/index.ts": "export default app"}
    assert made(tmp_path, files).command == 'CMD ["bun", "src/index.ts"]'


def test_vitepress_as_its_wizard_sets_it_up(tmp_path: Path) -> None:
    files = {"package.json": package(devDependencies={"vitepress": "1"},
                                     scripts={"docs:build": "vitepress build docs"})}  # fmt: skip
    text = made(tmp_path, files).text
    assert "node --run docs:build" in text
    assert "COPY --from=build /app/docs/.vitepress/dist /usr" in text


def test_bun_runs_what_is_made_for_it(tmp_path: Path) -> None:
    files = {"package.json": package(scripts={"start": "bun run a.ts"}), "bun.lock": "",
             "a.ts": "Bun.serve({port: 3000})"}  # fmt: skip
    result = made(tmp_path, files)
    assert result.froms == ["oven/bun:1-slim"]
    assert "npm" not in result.text


# workspaces

WORKSPACE = {
    "package.json": package(workspaces=["apps/*", "packages/*"]),
    "packages/lib/package.json": package(name="lib", scripts={"build": "tsc"}),
    "apps/web/package.json": package(
        name="web", dependencies={"lib": "*"}, scripts={"build": "tsc", "start": "node dist/a.js"}
    ),
    "apps/web/src/a.ts": SERVER,
}


@pytest.mark.parametrize("lock", ["", "package-lock.json", "yarn.lock"])
def test_what_bun_starts_bun_installs_for_whatever_lock_there_is(tmp_path: Path, lock: str) -> None:
    files = {"package.json": package(scripts={"start": "bun a.ts"}, dependencies={"elysia": "1"}),
             "a.ts": "x.listen(3000)"}  # fmt: skip
    result = made(tmp_path, {**files, **({lock: '"elysia"'} if lock else {})})
    assert "bun install" in result.text
    assert "npm" not in result.text and "yarn" not in result.text


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
