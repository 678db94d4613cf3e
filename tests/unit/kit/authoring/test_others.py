"""Static sites, shell scripts, Deno, .NET; and which of several kinds an app is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import StageFailed
from pipeline.kit.authoring import Wishes
from pipeline.kit.authoring.static import server
from pipeline.kit.dockerfile import model as m
from tests.support.authored import made

PAGE = "<!DOCTYPE html><title>x</title>\n"
CSPROJ = '<Project Sdk="Microsoft.NET.Sdk.Web"><TargetFramework>net9.0</TargetFramework></Project>'


class TestDenoServe:
    """``deno serve`` listens, whatever the code says."""

    @pytest.mark.parametrize(
        ("task", "port", "command"),
        [
            ("deno serve --port 8123 main.ts", 8123, '"--port", "8123", "main.ts"'),
            ("deno serve -A main.ts", 8000, 'deno serve --port \\"$PORT\\" -A main.ts'),
        ],
    )
    def test_a_task(self, tmp_path: Path, task: str, port: int, command: str) -> None:
        files = {"deno.json": json.dumps({"tasks": {"start": task}}),
                 "main.ts": "export default app;"}  # fmt: skip
        found = made(tmp_path, files)
        assert found.port == port
        assert command in found.command


class TestStatic:
    def test_the_apps_own_folder(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"index.html": PAGE, "404.html": PAGE})
        assert found.froms == [server.BASE]
        assert "COPY . /usr/share/nginx/html" in found.text
        assert "error_page 404 /404.html;" in found.text
        assert found.port == 8080

    @pytest.mark.parametrize("folder", ["public", "dist", "docs"])
    def test_a_folder_of_it(self, tmp_path: Path, folder: str) -> None:
        text = made(tmp_path, {f"{folder}/index.html": PAGE, "README.md": "x"}).text
        assert f"COPY {folder} /usr/share/nginx/html" in text
        assert "error_page" not in text

    def test_a_folder_that_is_named(self, tmp_path: Path) -> None:
        files = {"index.html": PAGE, "site/en/index.html": PAGE}
        text = made(tmp_path, files, static="site/en", port=9000).text
        assert "COPY site/en /usr/share" in text
        assert "EXPOSE 9000" in text

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StageFailed, match="no file in it"):
            made(tmp_path, {"index.html": PAGE}, static="nowhere")

    def test_hugo(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"hugo.toml": "", "content/a.md": ""})
        assert found.froms == ["debian:trixie-slim", server.BASE]
        assert "COPY --from=build /src/public" in found.text

    def test_hugo_under_the_name_that_others_have_too(self, tmp_path: Path) -> None:
        files = {"config.toml": 'baseURL = "/"\n', "content/a.md": "", "index.html": PAGE}
        assert "hugo --minify" in made(tmp_path, files).text

    def test_mkdocs_with_its_requirements(self, tmp_path: Path) -> None:
        files = {"mkdocs.yml": "site_name: x\n", "docs/a.md": "", "docs/requirements.txt": "x\n"}
        text = made(tmp_path, files, static=None).text
        assert "--requirement docs/requirements.txt" in text
        assert "COPY --from=build /src/site" in text

    def test_an_app_of_one_page(self) -> None:
        copied = m.Copy(("/app/dist",), "", flags=(("from", "build"),))
        stage = server.serve(copied, 8080, single_page=True, hashed="/assets/")
        (template,) = [item for group in stage for item in group
                       if isinstance(item, m.Copy) and item.heredocs]  # fmt: skip
        assert "try_files $uri $uri/ /index.html;" in template.heredocs[0]
        assert "location /assets/ {" in template.heredocs[0]
        assert "immutable" in template.heredocs[0]


class TestShell:
    def test_a_script_by_its_interpreter(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"run.sh": "#!/usr/bin/env bash\nsleep 1\n"})
        assert (found.port, found.command) == (None, 'CMD ["bash", "run.sh"]')

    def test_programs_that_the_base_lacks(self, tmp_path: Path) -> None:
        script = "#!/bin/sh\n# wget is not called\ncurl -s x | jq .a\nnc -l -p ${PORT:-8301}\n"
        found = made(tmp_path, {"serve.sh": script})
        assert "ca-certificates curl jq netcat-openbsd" in found.text
        assert "wget" not in found.text
        assert found.port == 8301

    def test_one_of_several(self, tmp_path: Path) -> None:
        files = {"a.sh": "#!/bin/sh\n", "b.sh": "#!/bin/sh\n"}
        with pytest.raises(StageFailed, match=r"a\.sh, b\.sh"):
            made(tmp_path, files)
        assert made(tmp_path, files, shell="b.sh").command == 'CMD ["sh", "b.sh"]'

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StageFailed, match="not there"):
            made(tmp_path, {"a.sh": ""}, shell="b.sh")


class TestDeno:
    SERVER = "Deno.serve({ port: 8102 }, () => new Response('x'));\n"

    def test_a_file_that_speaks_of_deno(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"main.ts": self.SERVER})
        assert found.froms[0].startswith("denoland/deno:2.")
        assert found.port == 8102
        assert "RUN deno cache main.ts" in found.text

    def test_the_task_start_without_a_watcher(self, tmp_path: Path) -> None:
        config = {"tasks": {"start": "deno run --watch -N server.ts"}, "imports": {"a": "npm:a"}}
        files = {"deno.json": json.dumps(config), "deno.lock": "{}", "server.ts": self.SERVER}
        found = made(tmp_path, files)
        assert found.command == 'CMD ["deno", "run", "-N", "server.ts"]'
        assert found.text.index("deno install --frozen") < found.text.index(". ./")

    def test_a_module_that_exports_fetch_is_served(self, tmp_path: Path) -> None:
        code = "export default { fetch() { return new Response('x'); } };\n"
        found = made(tmp_path, {"deno.json": "{}", "main.ts": code})
        assert "exec deno serve" in found.command
        assert found.port == 8000

    def test_a_package_for_node_is_nodes(self, tmp_path: Path) -> None:
        package = json.dumps({"scripts": {"start": "node a.js"}, "dependencies": {"x": "1"}})
        files = {"package.json": package, "deno.json": "{}", "a.js": "", "main.ts": self.SERVER}
        assert made(tmp_path, files).authored.ecosystem == "Node.js"

    def test_nothing_to_start(self, tmp_path: Path) -> None:
        with pytest.raises(StageFailed, match="how it is started"):
            made(tmp_path, {"deno.json": "{}"})


class TestDotnet:
    def test_a_web_app(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"Shop.csproj": CSPROJ, "Program.cs": "app.Run();\n"})
        registry = "mcr.microsoft.com/dotnet"
        assert found.froms == [f"{registry}/sdk:9.0", f"{registry}/aspnet:9.0"]
        assert found.text.index("dotnet restore Shop.csproj") < found.text.index("COPY . ./")
        assert 'ASPNETCORE_HTTP_PORTS=\\"$PORT\\" exec dotnet Shop.dll' in found.command

    def test_a_worker(self, tmp_path: Path) -> None:
        project = CSPROJ.replace(".Web", ".Worker")
        found = made(tmp_path, {"Job.csproj": project})
        assert found.froms[1].endswith("/runtime:9.0")
        assert (found.port, found.command) == (None, 'CMD ["dotnet", "Job.dll"]')

    def test_projects_that_it_refers_to_and_no_tests(self, tmp_path: Path) -> None:
        app = CSPROJ.replace("</Project>", '<ProjectReference Include="..\\Core\\Core.csproj"/>')
        files = {
            "Shop.sln": "", "src/Shop/Shop.csproj": app, "src/Core/Core.csproj": "<Project/>",
            "test/T.csproj": CSPROJ.replace("<Target", "<IsTestProject>true</x><Target"),
            "Directory.Packages.props": "<Project/>",
        }  # fmt: skip
        text = made(tmp_path, files).text
        assert "COPY src/Core/Core.csproj ./src/Core/" in text
        assert "COPY Directory.Packages.props ./" in text
        assert "test/T.csproj" not in text
        assert "dotnet publish src/Shop/Shop.csproj" in text

    def test_which_project(self, tmp_path: Path) -> None:
        with pytest.raises(StageFailed, match=r"A\.csproj, B\.csproj"):
            made(tmp_path, {"A.csproj": CSPROJ, "B.csproj": CSPROJ})

    def test_a_version_that_nobody_looks_after(self, tmp_path: Path) -> None:
        found = made(tmp_path, {"Old.csproj": CSPROJ.replace("9.0", "5.0")})
        assert found.froms[0].endswith(":5.0")
        assert "dotnet" in found.doubts()


@pytest.mark.parametrize(
    ("files", "ecosystem"),
    [
        ({"go.mod": "module x\n", "main.go": "package main\nfunc main() {}\n",
          "package.json": '{"dependencies": {"tailwindcss": "4"}}'}, "Go"),
        ({"index.html": PAGE, "build.sh": "#!/bin/sh\n"}, "static files"),
        ({"index.html": PAGE, "app.py": "print(1)\n", "requirements.txt": ""}, "Python"),
        ({"config.ru": "run A\n", "package.json": '{"dependencies": {"a": "1"}}'}, "Ruby"),
        ({"artisan": "", "public/index.php": "", "package.json": '{"dependencies": {"a": "1"}}',
          "composer.json": '{"require": {"laravel/framework": "12"}}'}, "PHP"),
    ],
)  # fmt: skip
def test_the_one_that_is_surest_wins(tmp_path: Path, files: dict[str, str], ecosystem: str) -> None:
    assert made(tmp_path, files).authored.ecosystem == ecosystem


@pytest.mark.parametrize("around", [{"deploy.sh": "#!/bin/sh\n"}, {"docs/index.html": PAGE}, {}])
def test_around_several_apps_they_are_named(tmp_path: Path, around: dict[str, str]) -> None:
    apps = {"web/config.ru": "run A\n", "services/api/go.mod": "module x\n", "lib/a.txt": ""}
    with pytest.raises(StageFailed, match="cannot be told") as raised:
        made(tmp_path, {**apps, **around})
    assert "services/api, web" in raised.value.hint


def test_a_helper_script_or_a_page_is_not_worth_a_word(tmp_path: Path) -> None:
    files = {"config.ru": "run A\n", "Gemfile": "", "Gemfile.lock": "GEM\n  specs:\n    puma (1)\n",
             "deploy.sh": "#!/bin/sh\n", "public/index.html": PAGE}  # fmt: skip
    assert "language" not in made(tmp_path, files).doubts()


@pytest.mark.parametrize(("key", "version"), [("go", 1.2), ("rust", 1.9), ("python", 3.1)])
def test_a_version_that_yaml_has_shortened(key: str, version: float) -> None:
    with pytest.raises(ValidationError, match="in quotes"):
        Wishes.model_validate({key: version})
    assert getattr(Wishes.model_validate({key: f"{version}0"}), key) == f"{version}0"
