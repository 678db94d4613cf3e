"""Dockerfiles for Python apps: pip, with requirements files or pyproject.toml."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from pipeline.kit.authoring import blocks
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.python import code, dependencies, system, version
from pipeline.kit.authoring.python.start import Start, Starter
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_UID = "10001"
_VENV = "/venv"
_PIP_CACHE = "/root/.cache/pip"
_LISTED = (
    "{toml}; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; "
    "print(*project['dependencies'], sep='\\n')"
)
_TOML = "import tomllib"
_TOML_BEFORE_3_11 = "from pip._vendor import tomli as tomllib"
_OWN_CODE = m.Copy((".",), "./", flags=(("chown", "app:app"),))
_TCP_CHECK = (
    "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['PORT'])), 2)"
)


def _http_check(path: str) -> str:
    return (
        "import http.client, os, sys; "
        "c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); "
        f"c.request('GET', '{path}'); sys.exit(c.getresponse().status >= 500)"
    )


class Python:
    name = "Python"
    key = "python"
    looks_for = (*dependencies.REQUIREMENTS[:1], "pyproject.toml", "setup.py", "manage.py", "*.py")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.python:
            return Reason("language", self.name, "asked for by `python:`", "pipeline.yml")
        if known := tree.first(*dependencies.REQUIREMENTS, "setup.py", "Pipfile", "manage.py"):
            return Reason("language", self.name, "there is such a file", known)
        if {"project", "build-system"} & set(tree.toml("pyproject.toml")):
            return Reason("language", self.name, "it describes a project", "pyproject.toml")
        if script := next(iter(tree.matching("*.py")), None):
            return Reason("language", self.name, "there is a script", script, doubtful=True)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        reasons = Reasons()
        return _Author(tree, wishes, reasons).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes, reasons: Reasons) -> None:
        self.tree = tree
        self.reasons = reasons
        self.wishes = wishes
        self.version = version.choose(tree, wishes, reasons)
        self.base = f"python:{self.version}-slim"
        self.dependencies = dependencies.find(tree, reasons)
        self.needs = system.needs(self.dependencies, reasons)
        starter = Starter(tree, wishes, self.dependencies, reasons)
        self.start: Start = starter.choose()
        self.files = starter.files

    def author(self) -> Authored:
        items = blocks.paragraphs(
            *(self._build_stage() if self.needs.build else ()),
            [m.From(self.base)],
            [self._environment()],
            blocks.apt(
                self.needs.run | set(self.wishes.packages), "System packages that the app needs."
            ),
            self._user(),
            [m.Workdir("/app")] if self.needs.build else self._install(),
            self._code(),
            self._run(),
        )
        return Authored("Python", m.Dockerfile(items), tuple(self.reasons.found), self.start.port)

    def _build_stage(self) -> Iterable[Iterable[m.Item]]:
        """A stage of its own for what is compiled: the compiler stays out of the image."""
        yield [m.From(self.base, "build")]
        yield blocks.apt(self.needs.build, "Only to build; none of it is in the image that runs.")
        yield [blocks.run(f"python -m venv {_VENV}"), blocks.env({"PATH": f"{_VENV}/bin:$PATH"})]
        yield self._install()

    def _environment(self) -> m.Env:
        values: dict[str, object] = {"PYTHONDONTWRITEBYTECODE": 1, "PYTHONUNBUFFERED": 1}
        if self.needs.build:
            values["PATH"] = f"{_VENV}/bin:$PATH"
        if self.start.path and not self.dependencies.installs_project:
            values["PYTHONPATH"] = f"/app/{self.start.path}"
        if self.start.port is not None:
            values["PORT"] = self.start.port
        return blocks.env(values)

    def _user(self) -> list[m.Item]:
        return [
            *blocks.comment("A user of the app's own, who owns nothing but the app's folder."),
            blocks.run(
                f"useradd --uid {_UID} --user-group --home-dir /app --no-create-home "
                "--shell /usr/sbin/nologin app",
                "install --directory --owner=app --group=app /app",
            ),
        ]

    def _install(self) -> list[m.Item]:
        wanted = self._wanted()
        if not wanted:
            return [m.Workdir("/app")]
        pip = "pip install --root-user-action=ignore"
        commands = [f"{pip} {' '.join(wanted)}"]
        if self.dependencies.manner == "pyproject":
            toml = _TOML_BEFORE_3_11 if self.version in ("3.9", "3.10") else _TOML
            listed = _LISTED.format(toml=toml)
            commands.insert(0, f'python -c "{listed}" > /tmp/requirements.txt')
        code = m.Copy((".",), "./") if self.needs.build else _OWN_CODE
        copied = [code] if self.dependencies.needs_code else self._copied()
        return [
            m.Workdir("/app"),
            *blocks.comment(*self._install_comment()),
            *copied,
            blocks.run(*commands, caches=[_PIP_CACHE]),
        ]

    def _install_comment(self) -> tuple[str, ...]:
        if self.dependencies.needs_code:
            return ("The dependencies are known only with the code, so both go together.",)
        return (
            "Dependencies before the code: as long as they stay, a change of the code is quick.",
        )

    def _wanted(self) -> list[str]:
        """What pip is asked for."""
        wanted = {
            "requirements": [f"--requirement {self.dependencies.main}"],
            "pyproject": ["--requirement /tmp/requirements.txt"],
            "project": ["."],
            "none": [],
        }[self.dependencies.manner]
        return [*wanted, f'"{self.start.add}"'] if self.start.add else wanted

    def _copied(self) -> list[m.Copy]:
        """The files that list dependencies, at the places where they refer to each other."""
        folders: dict[str, list[str]] = {}
        for file in self.dependencies.files:
            folders.setdefault(posixpath.dirname(file), []).append(file)
        return [m.Copy(tuple(files), f"./{folder}/" if folder else "./")
                for folder, files in folders.items()]  # fmt: skip

    def _code(self) -> list[m.Item]:
        items: list[m.Item] = []
        if self.needs.build:
            items.append(m.Copy((_VENV,), _VENV, flags=(("from", "build"),)))
        if self.needs.build or not self.dependencies.needs_code:
            items.append(_OWN_CODE)
        if self.dependencies.manner == "pyproject" and self.dependencies.installs_project:
            install = "pip install --root-user-action=ignore --no-deps ."
            items.append(blocks.run(install, caches=[_PIP_CACHE]))
        return items

    def _run(self) -> list[m.Item]:
        items: list[m.Item] = [m.User(_UID)]
        if self.start.port is not None:
            items += [m.Expose((str(self.start.port),)), self._health()]
        return [*items, m.Cmd(blocks.start_command(self.start.command))]

    def _health(self) -> m.Healthcheck:
        found = code.health_route(self.tree, self.files)
        if found is None:
            self.reasons.note("health", "its port", "no route of a usual name was found")
            return blocks.healthcheck(["python", "-c", _TCP_CHECK])
        path, file, line = found
        self.reasons.note("health", path, "a route of that name", file, line=line)
        return blocks.healthcheck(["python", "-c", _http_check(path)])
