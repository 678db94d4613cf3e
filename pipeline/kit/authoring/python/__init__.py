"""Dockerfiles for Python apps: pip, Poetry, uv, PDM or Pipenv, with a production server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.python import code, dependencies, managers, system, version
from pipeline.kit.authoring.python.managers import INTO_VENV, PIP, PIP_CACHE, VENV
from pipeline.kit.authoring.python.project import PYPROJECT, Project
from pipeline.kit.authoring.python.start import Start, Starter
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_LISTED = (
    "{toml}; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; "
    "print(*project['dependencies'], sep='\\n')"
)
_TOML = "import tomllib"
_TOML_BEFORE_3_11 = "from pip._vendor import tomli as tomllib"
_OWNED = (("chown", "app:app"),)
_TCP_CHECK = (
    "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['PORT'])), 2)"
)
_FROM_SOURCE = re.compile(r"--no-binary[= ]\s*(\S+)")


def _http_check(path: str) -> str:
    return (
        "import http.client, os, sys; "
        "c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); "
        f"c.request('GET', '{path}'); sys.exit(c.getresponse().status >= 500)"
    )


class Python:
    name = "Python"
    key = "python"
    looks_for = (*dependencies.REQUIREMENTS[:1], PYPROJECT, "Pipfile", "setup.py", "manage.py",
                 "*.py")  # fmt: skip

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.python:
            return Reason("language", self.name, "asked for by `python:`", "pipeline.yml")
        if known := tree.first(*dependencies.REQUIREMENTS, "setup.py", "Pipfile", "manage.py"):
            return Reason("language", self.name, "there is such a file", known)
        data = Project(tree).data
        if {"project", "build-system"} & set(data) or "poetry" in data.get("tool", {}):
            return Reason("language", self.name, "it describes a project", PYPROJECT)
        if script := next(iter(tree.matching("*.py")), None):
            return Reason("language", self.name, "there is a script", script, doubtful=True)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.project = Project(tree)
        self.dependencies = dependencies.find(self.project, self.reasons)
        self.version = version.choose(self.project, wishes, self.dependencies, self.reasons)
        self.base = f"python:{self.version}-slim"
        starter = Starter(self.project, wishes, self.dependencies, self.reasons)
        self.start: Start = starter.choose()
        self.sources = starter.sources
        self.needs = system.needs(self.dependencies, self._from_source(), self.reasons)
        self.recipe = managers.recipe(self.dependencies)
        self.built = bool(self.recipe or self.needs.build or self.project.is_compiled)
        self.installs_project = self._installs_project()

    def author(self) -> Authored:
        items = blocks.paragraphs(
            *(self._build_stage() if self.built else ()),
            [m.From(self.base)],
            [self._environment()],
            blocks.apt(
                self.needs.run | set(self.wishes.packages), "System packages that the app needs."
            ),
            parts.user(),
            self._content(),
            self._run(),
        )
        return Authored("Python", m.Dockerfile(items), tuple(self.reasons.found), self.start.port)

    # what has to be there

    def _from_source(self) -> frozenset[str]:
        text = "\n".join(self.tree.read(file) for file in self.dependencies.files)
        return frozenset(name.lower() for found in _FROM_SOURCE.findall(text)
                         for name in found.split(","))  # fmt: skip

    def _installs_project(self) -> bool:
        """Has the project itself to be installed, or is it enough that its code is there?

        It costs seconds after every change of the code, and most apps do without.
        """
        if not self.project.is_package or self.dependencies.manager == "project":
            return False
        if self.dependencies.needs_code and self.recipe:
            return False  # the tool does it
        because = ""
        if self.start.script:
            because = f"{self.start.script} is a script of its own"
        elif self.project.is_compiled:
            because = "a part of it is compiled"
        elif file := self.project.asks_itself(self.sources.files):
            because = f"{file} asks for what is installed"
        if because:
            self.reasons.note("project", "installed", because, PYPROJECT)
        return bool(because)

    # the stage that builds

    def _build_stage(self) -> Iterable[Iterable[m.Item]]:
        """A stage for the tool and what is compiled: neither is in the image that runs."""
        yield [m.From(self.base, "build")]
        yield blocks.apt(self.needs.build, "Only to build; none of it is in the image that runs.")
        if self.recipe:
            yield [blocks.run(f'{PIP} "{self.recipe.tool}"', caches=[PIP_CACHE])]
        made = self.recipe is not None and self.recipe.makes_venv
        variables = {} if made else {"VIRTUAL_ENV": VENV, "PATH": f"{VENV}/bin:$PATH"}
        variables |= dict(self.recipe.environment) if self.recipe else {}
        make = [] if made else [blocks.run(f"python -m venv --without-pip {VENV}")]
        yield [*make, *([blocks.env(variables)] if variables else []), m.Workdir("/app")]
        yield self._install()
        if self.installs_project and self.project.is_compiled:
            install = blocks.run(f"{INTO_VENV} --no-deps .", caches=[PIP_CACHE])
            yield [m.Copy((".",), "./"), install]

    def _install(self) -> list[m.Item]:
        """Dependencies, in whichever stage that is."""
        commands, caches = self._commands()
        if not commands:
            return []
        if self.dependencies.needs_code:
            why = "The dependencies are known only with the code, so both go together."
            copied = [m.Copy((".",), "./", flags=() if self.built else _OWNED)]
        else:
            why = parts.DEPENDENCIES_FIRST
            copied = parts.copies(self.dependencies.files)
        return [*blocks.comment(why), *copied, blocks.run(*commands, caches=caches)]

    def _commands(self) -> tuple[list[str], list[str]]:
        """What installs the dependencies and the server, and where its downloads are kept."""
        server = [f'"{self.start.add}"'] if self.start.add else []
        pip = INTO_VENV if self.built else PIP
        if self.recipe:
            added = [f"{pip} {server[0]}"] if server else []
            caches = dict.fromkeys([self.recipe.cache, *([PIP_CACHE] if added else [])])
            return [self.recipe.install, *added], list(caches)
        wanted = {
            "pip": [f"--requirement {self.dependencies.main}"],
            "pyproject": ["--requirement /tmp/requirements.txt"],
            "project": ["."],
        }.get(self.dependencies.manager, [])
        if not [*wanted, *server]:
            return [], []
        if self.dependencies.hashed and server:
            # With hashes pip takes nothing that has none.
            commands = [f"{pip} {' '.join(wanted)}", f"{pip} {server[0]}"]
        else:
            commands = [f"{pip} {' '.join([*wanted, *server])}"]
        if self.dependencies.manager == "pyproject":
            toml = _TOML_BEFORE_3_11 if self.version in ("3.9", "3.10") else _TOML
            listed = _LISTED.format(toml=toml)
            commands.insert(0, f'python -c "{listed}" > /tmp/requirements.txt')
        return commands, [PIP_CACHE]

    # the stage that runs

    def _environment(self) -> m.Env:
        values: dict[str, object] = {"PYTHONDONTWRITEBYTECODE": 1, "PYTHONUNBUFFERED": 1}
        if self.built:
            values["PATH"] = f"{VENV}/bin:$PATH"
        if self.start.path and not self.installs_project:
            values["PYTHONPATH"] = f"/app/{self.start.path}"
        values |= self.start.environment
        if self.start.port is not None:
            values["PORT"] = self.start.port
        return blocks.env(values)

    def _content(self) -> list[m.Item]:
        items: list[m.Item] = []
        if self.built:
            items.append(parts.from_build(VENV, VENV))
        else:
            items += self._install()
        if self.built or not self.dependencies.needs_code:
            items.append(m.Copy((".",), "./", flags=_OWNED))
        if self.installs_project and not self.project.is_compiled:
            pip = INTO_VENV if self.built else PIP
            items.append(blocks.run(f"{pip} --no-deps --editable .", caches=[PIP_CACHE]))
        if self.start.folder:
            items.append(m.Workdir(f"/app/{self.start.folder}"))
        return items

    def _run(self) -> list[m.Item]:
        health = self._health() if self.start.port is not None else None
        user, *rest = parts.ending(parts.UID, self.start.port, self.start.command, health)
        return [user, *(blocks.run(command) for command in self.start.prepare), *rest]

    def _health(self) -> Sequence[str]:
        if self.start.health:
            return ["python", "-c", _http_check(self.start.health)]
        found = code.health_route(self.sources)
        if found is None:
            self.reasons.note("health", "its port", "no route of a usual name was found")
            return ["python", "-c", _TCP_CHECK]
        self.reasons.note("health", found.value, "a route of that name", found.file,
                          line=found.line)  # fmt: skip
        return ["python", "-c", _http_check(found.value)]
