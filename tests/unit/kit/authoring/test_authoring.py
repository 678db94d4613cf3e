"""What wins when files disagree, what is refused, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.kit.authoring import Authored, Wishes, author
from pipeline.kit.dockerfile import render

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


def write(folder: Path, **files: str) -> Path:
    """Files by name; ``__`` stands for a dot and ``___`` for a slash."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def reasons(authored: Authored, subject: str) -> list[str]:
    return [reason.value for reason in authored.reasons if reason.subject == subject]


def doubts(authored: Authored) -> list[str]:
    return [reason.because for reason in authored.reasons if reason.doubtful]


# Python


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "3.13"),
        ({"__python-version": "3.11.7\n"}, "3.11"),
        ({"__python-version": "my-virtualenv\n"}, "3.13"),
        ({"runtime__txt": "python-3.12.1"}, "3.12"),
        ({"__tool-versions": "nodejs 20.1.0\npython 3.10.4\n"}, "3.10"),
        ({"mise__toml": '[tools]\npython = "3.12"\n'}, "3.12"),
        ({"pyproject__toml": '[project]\nrequires-python = ">=3.9"\n'}, "3.13"),
        ({"pyproject__toml": '[project]\nrequires-python = "<3.12"\n'}, "3.11"),
        ({"pyproject__toml": '[project]\nrequires-python = "==3.11.4"\n'}, "3.11"),
        ({"pyproject__toml": '[project]\nrequires-python = "~=3.14.0"\n'}, "3.14"),
        (
            {
                "__python-version": "3.11",
                "pyproject__toml": '[project]\nrequires-python = ">=3.12"',
            },
            "3.11",
        ),
    ],
)
def test_version_of_python(tmp_path: Path, files: dict[str, str], version: str) -> None:
    write(tmp_path, app__py=FLASK, requirements__txt="flask\n", **files)
    authored = author(tmp_path)
    assert authored.dockerfile.stages[-1].base.image == f"python:{version}-slim"
    assert reasons(authored, "python") == [version]


def test_a_version_that_nobody_publishes(tmp_path: Path) -> None:
    write(tmp_path, app__py=FLASK, pyproject__toml='[project]\nrequires-python = ">=4.1"\n')
    with pytest.raises(StageFailed, match="no version of Python is both") as raised:
        author(tmp_path)
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == ("pyproject.toml", 2)
    assert doubts(author(tmp_path, Wishes(python="3.99")))


def test_a_broken_pyproject(tmp_path: Path) -> None:
    write(tmp_path, app__py=FLASK, pyproject__toml='[project]\nname = "x\n')
    with pytest.raises(StageFailed, match=r"pyproject\.toml cannot be read") as raised:
        author(tmp_path)
    assert raised.value.where is not None
    assert raised.value.where.line == 2


@pytest.mark.parametrize(
    ("code", "requirements", "command"),
    [
        (FLASK, "flask\nwaitress\n", 'exec waitress-serve --port="$PORT" app:app'),
        ("app = FastAPI()\n", "fastapi\nhypercorn\n", 'exec hypercorn --bind "0.0.0.0:$PORT"'),
        ("api: FastAPI = FastAPI(\n)", "fastapi[standard]\n", '--port "$PORT" app:api'),
        ("def create_app() -> FastAPI:\n  pass\n", "fastapi\nuvicorn\n", "uvicorn --factory"),
        ("def create_app(a=(), *b):\n  pass\n", "flask\nwaitress\n", "--call app:create_app"),
        ("def create_app(needed):\n  pass\n", "flask\n", "python app.py"),
        ("  app = Flask(__name__)\n", "flask\n", "python app.py"),
    ],
)
def test_how_python_is_started(tmp_path: Path, code: str, requirements: str, command: str) -> None:
    write(tmp_path, app__py=code, requirements__txt=requirements)
    text = render(author(tmp_path).dockerfile).replace('\\"', '"').replace('", "', " ")
    assert command in text


def test_wsgi_comes_before_other_modules_and_tests_do_not_count(tmp_path: Path) -> None:
    write(
        tmp_path, aaa__py=FLASK, wsgi__py="from x import create_app\napplication = create_app()\n",
        test_app__py=FLASK, tests___app__py=FLASK, requirements__txt="flask\ngunicorn\n",
    )  # fmt: skip
    assert reasons(author(tmp_path), "app") == ["wsgi:application"]


def test_a_server_that_reads_its_own_file_gets_no_options(tmp_path: Path) -> None:
    write(
        tmp_path, app__py=FLASK, requirements__txt="flask\ngunicorn\n",
        gunicorn__conf__py='bind = "0.0.0.0:9001"\n',
    )  # fmt: skip
    authored = author(tmp_path)
    assert 'CMD ["gunicorn", "app:app"]' in render(authored.dockerfile)
    assert authored.port == 9001


@pytest.mark.parametrize(
    ("line", "port", "command"),
    [
        ("web: gunicorn app:app", 5000, '["gunicorn", "app:app"]'),
        ("web: gunicorn app:app --bind 0.0.0.0:$PORT", 5000, "exec gunicorn"),
        ("web: gunicorn -b :8081 app:app", 8081, '["gunicorn", "-b", ":8081", "app:app"]'),
        ("web: A=1 python app.py --port ${PORT:-7000}", 7000, "A=1 exec python"),
        ("release: ./migrate\nworker: python app.py", None, '["python", "app.py"]'),
        ("a: python a.py\nb: python b.py", 5000, "app:app"),
    ],
)
def test_procfile(tmp_path: Path, line: str, port: int | None, command: str) -> None:
    write(tmp_path, app__py=FLASK, requirements__txt="flask\ngunicorn\n", Procfile=f"{line}\n")
    authored = author(tmp_path)
    assert authored.port == port
    assert command in render(authored.dockerfile)


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('os.environ.get("PORT", "8099")', 8099),
        ("os.getenv('PORT', 8098)", 8098),
        ('app.run(host="0.0.0.0", port=8097)', 8097),
        ('HTTPServer(("", 8096), Handler)', 8096),
        ("db(port=5432)", None),
        ('os.environ.get("DB_PORT", "5432")', None),
    ],
)
def test_the_port_in_the_code(tmp_path: Path, code: str, port: int | None) -> None:
    assert author(write(tmp_path, main__py=f"{code}\n")).port == port


def test_local_and_git_requirements(tmp_path: Path) -> None:
    write(
        tmp_path, app__py=FLASK, setup__py="",
        requirements__txt="flask\n-e .\nlib @ git+https://example.com/lib.git\n",
    )  # fmt: skip
    text = render(author(tmp_path).dockerfile)
    assert "install --yes --no-install-recommends git" in text
    assert text.index("COPY . ./") < text.index("--requirement")


def test_system_packages_are_for_what_needs_them(tmp_path: Path) -> None:
    write(tmp_path, app__py=FLASK, requirements__txt="flask\npsycopg2-binary\npsycopg[binary]\n")
    assert "apt-get" not in render(author(tmp_path).dockerfile)
    write(tmp_path, requirements__txt="flask\nPsycopg2==2.9\n")
    authored = author(tmp_path, Wishes(packages=("imagemagick",)))
    text = render(authored.dockerfile)
    build, last = text.split("\nFROM")
    assert "gcc" in build
    assert "gcc" not in last
    assert "imagemagick libpq5" in last
    assert "COPY --from=build /venv /venv" in last


def test_python_without_a_start(tmp_path: Path) -> None:
    write(tmp_path, requirements__txt="flask\n", one__py="x = 1\n", two__py="y = 2\n")
    with pytest.raises(StageFailed, match="nothing says how it is started") as raised:
        author(tmp_path)
    assert "start:" in raised.value.hint


# Node.js


@pytest.mark.parametrize(
    ("files", "engines", "version"),
    [
        ({}, "", "22"),
        ({"__nvmrc": "v18.19.0"}, ">=20", "18"),
        ({"__nvmrc": "lts/*"}, "", "22"),
        ({"__node-version": "20"}, "", "20"),
        ({"__tool-versions": "nodejs 20.1.0"}, "", "20"),
        ({}, ">=18", "22"),
        ({}, "^20.1.0", "20"),
        ({}, "20.x", "20"),
        ({}, ">=18 <21", "20"),
        ({}, ">20.5", "22"),
        ({}, "18 || 20", "20"),
        ({}, "18 - 20", "20"),
        ({}, "<=20", "20"),
        ({}, "*", "22"),
        ({}, "24", "24"),
    ],
)
def test_version_of_node(tmp_path: Path, files: dict[str, str], engines: str, version: str) -> None:
    package = f'{{"main": "a.js", "engines": {{"node": "{engines}"}}}}'
    write(tmp_path, package__json=package, a__js="", **files)
    assert author(tmp_path).dockerfile.stages[-1].base.image == f"node:{version}-slim"


def test_engines_that_nobody_publishes(tmp_path: Path) -> None:
    write(tmp_path, package__json='{\n"main": "a.js",\n"engines": {"node": "<10"}}', a__js="")
    with pytest.raises(StageFailed, match=r"no version of Node\.js") as raised:
        author(tmp_path)
    assert raised.value.where is not None
    assert raised.value.where.line == 3


@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ('"start": "node server.js"', '["node", "server.js"]'),
        ('"start": "NODE_ENV=production node server.js"', '["env", "NODE_ENV=production", "node",'),
        ('"start": "nodemon server.js"', '["node", "server.js"]'),
        ('"start": "next start -p 4000"', '["next", "start", "-p", "4000"]'),
        ('"start": "node server.js --port $PORT"', '"exec node server.js --port $PORT"'),
        ('"start": "migrate && node server.js"', '["npm", "start"]'),
        ('"prestart": "x", "start": "node server.js"', '["npm", "start"]'),
        ('"test": "x"', '["node", "server.js"]'),
    ],
)
def test_how_node_is_started(tmp_path: Path, scripts: str, command: str) -> None:
    write(tmp_path, package__json=f'{{"scripts": {{{scripts}}}}}', server__js="")
    text = render(author(tmp_path).dockerfile)
    assert f"CMD {command}" in text or f'CMD ["sh", "-c", {command}]' in text
    assert ("node_modules/.bin" in text) is ("next" in scripts)


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ("const port = process.env.PORT || 4001", 4001),
        ("listen(Number(process.env.PORT ?? '4002'))", 4002),
        ("app.listen(4003, () => {})", 4003),
        ("const { PORT = 4004 } = process.env", 4004),
        ("createServer().listen(process.env.PORT)", 3000),
        ("setInterval(work, 1000)", None),
    ],
)
def test_the_port_in_the_code_of_node(tmp_path: Path, code: str, port: int | None) -> None:
    write(tmp_path, package__json='{"main": "a.js"}', a__js=code)
    assert author(tmp_path).port == port


def test_locks_of_node(tmp_path: Path) -> None:
    write(tmp_path, package__json='{"main": "a.js"}', a__js="", package_lock__json="{}")
    (tmp_path / "package-lock.json").write_text("{}")
    authored = author(tmp_path)
    assert "npm ci --omit=dev" in render(authored.dockerfile)
    assert doubts(authored) == []
    (tmp_path / "package-lock.json").rename(tmp_path / "pnpm-lock.yaml")
    authored = author(tmp_path)
    assert "pnpm install --frozen-lockfile --prod" in render(authored.dockerfile)


def test_an_install_script_needs_the_code(tmp_path: Path) -> None:
    package = '{"main": "a.js", "scripts": {"postinstall": "node setup.js"}}'
    text = render(author(write(tmp_path, package__json=package, a__js="")).dockerfile)
    assert text.index("COPY --chown=node:node . ./") < text.index("npm install")
    assert text.count("COPY") == 1


@pytest.mark.parametrize("text", ['{"name": }', "[1]", ""])
def test_a_broken_package_json(tmp_path: Path, text: str) -> None:
    write(tmp_path, package__json=text)
    with pytest.raises(StageFailed, match=r"package\.json cannot be read") as raised:
        author(tmp_path)
    assert raised.value.where is not None
    assert raised.value.where.line == 1


def test_node_without_a_start(tmp_path: Path) -> None:
    write(tmp_path, package__json='{"dependencies": {"react": "19"}}')
    with pytest.raises(StageFailed, match="nothing says how it is started"):
        author(tmp_path)


# which


def test_two_ecosystems(tmp_path: Path) -> None:
    write(tmp_path, app__py=FLASK, requirements__txt="flask\n", package__json='{"main": "a.js"}')
    write(tmp_path, a__js="")
    authored = author(tmp_path)
    assert authored.ecosystem == "Python"
    assert any("package.json" in doubt for doubt in doubts(authored))
    assert author(tmp_path, Wishes(node="22")).ecosystem == "Node.js"


def test_a_script_beside_a_node_app_does_not_make_it_python(tmp_path: Path) -> None:
    write(tmp_path, tool__py="", package__json='{"main": "a.js"}', a__js="")
    assert author(tmp_path).ecosystem == "Node.js"


def test_a_folder_of_several_apps_names_them(tmp_path: Path) -> None:
    write(tmp_path, api___package__json="{}", web___requirements__txt="", docs___x__md="")
    with pytest.raises(StageFailed) as raised:
        author(tmp_path)
    assert "one of api, web" in raised.value.hint


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="cannot be told") as raised:
        author(tmp_path)
    assert "no file at all" in raised.value.detail
