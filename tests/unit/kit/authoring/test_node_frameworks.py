"""What frameworks of Node.js make, and what runs on Bun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.authored import made
from tests.support.node_apps import SERVER, package


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


@pytest.mark.parametrize("lock", ["", "package-lock.json", "yarn.lock"])
def test_what_bun_starts_bun_installs_for_whatever_lock_there_is(tmp_path: Path, lock: str) -> None:
    files = {"package.json": package(scripts={"start": "bun a.ts"}, dependencies={"elysia": "1"}),
             "a.ts": "x.listen(3000)"}  # fmt: skip
    result = made(tmp_path, {**files, **({lock: '"elysia"'} if lock else {})})
    assert "bun install" in result.text
    assert "npm" not in result.text and "yarn" not in result.text
