"""Dockerfiles for Python apps: pip, Poetry, uv, PDM or Pipenv, with a production server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.kit.authoring import blocks, parts, probes
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.python import assets, code, dependencies, managers, system, version
from pipeline.kit.authoring.python.managers import EXPORTED, INTO_VENV, PIP, PIP_CACHE, VENV
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
_LISTED_AT = "/tmp/requirements.txt"  # noqa: S108 - in the image, where nobody else is
_FROM_SOURCE = re.compile(r"--no-binary[= ]\s*(\S+)")


def _asks(path: str) -> str:
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
        self.export = managers.export(self.dependencies)
        self.uses_uv = self.dependencies.manager == "uv"
        self.built = bool(self.uses_uv or self.needs.build or self.project.is_compiled)
        self.installs_project = self._installs_project()
        self._tell_variables()
        self.assets = assets.find(tree, self.sources, self.reasons)
        self.outline = self.project.outline() if self.installs_project else ([], [])

    def author(self) -> Authored:
        items = blocks.paragraphs(
            *self._stages(),
            [m.From(self.base)],
            [self._environment()],
            blocks.apt(
                self.needs.run | set(self.wishes.packages), "System packages that the app needs."
            ),
            parts.folder(),
            self._content(),
            self._run(),
        )
        return Authored("Python", m.Dockerfile(items), tuple(self.reasons.found), self.start.port)

    # what has to be there

    def _tell_variables(self) -> None:
        found: dict[str, str] = {}
        for file in self.sources.files:
            for name in code.REQUIRED.findall(self.tree.read(file)):
                found.setdefault(name, file)
        found.pop("PORT", None)
        if found:
            self.reasons.note(
                "environment", ", ".join(found), "the code cannot do without: give them under "
                "`run: {env: …}`", next(iter(found.values())), doubtful=True,
            )  # fmt: skip

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
        if self.dependencies.needs_code and self.uses_uv:
            return False  # uv does it
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

    # the stages that build

    def _stages(self) -> Iterable[Iterable[m.Item]]:
        """Stages for tools and for what is compiled: neither is in the image that runs."""
        if self.assets:
            yield from self.assets.stages()
        if self.export:
            yield [m.From(self.base, "lock")]
            tools = " ".join(f'"{tool}"' for tool in self.export.tools)
            yield [blocks.run(f"{PIP} {tools}", caches=[PIP_CACHE])]
            whole = self.dependencies.needs_code
            copied = [parts.code()] if whole else parts.copies(self.dependencies.files)
            why = "The tool only says what its lock file has; pip installs that."
            yield [m.Workdir("/app"), *blocks.comment(why), *copied,
                   blocks.run(*self.export.commands)]  # fmt: skip
        if not self.built:
            return
        yield [m.From(self.base, "build")]
        yield blocks.apt(self.needs.build, "Only to build; none of it is in the image that runs.")
        if self.uses_uv:
            uv = blocks.run(f'{PIP} "{managers.UV_TOOL}"', caches=[PIP_CACHE])
            yield [uv, blocks.env(managers.UV_ENVIRONMENT)]
        else:
            variables = {"VIRTUAL_ENV": VENV, "PATH": f"{VENV}/bin:$PATH"}
            yield [blocks.run(f"python -m venv --without-pip {VENV}"), blocks.env(variables)]
        yield [m.Workdir("/app"), *self._install()]
        yield self._outline()
        if self.installs_project and self.project.is_compiled:
            yield [parts.code(), self._install_project("")]

    def _outline(self) -> list[m.Item]:
        """The project itself, installed in place before its code is there."""
        files, packages = self.outline
        if not files:
            return []
        why = "The project itself, in place: its code comes when all of this is cached."
        empty = [f"mkdir -p {' '.join(packages)}"] if packages else []
        empty += [f"touch {' '.join(f'{each}/__init__.py' for each in packages)}"] if empty else []
        return [
            *blocks.comment(why),
            *parts.copies(files),
            self._install_project("-e ", *empty),
        ]

    def _install_project(self, how: str, *before: str) -> m.Run:
        pip = INTO_VENV if self.built else PIP
        # The history that the version is in is not here.
        version = "SETUPTOOLS_SCM_PRETEND_VERSION=0 " if self.project.version_is_from_git else ""
        return blocks.run(*before, f"{version}{pip} --no-deps {how}.", caches=[PIP_CACHE])

    def _install(self) -> list[m.Item]:
        """Dependencies, in whichever stage that is."""
        commands = self._commands()
        if not commands:
            return []
        why, copied = parts.DEPENDENCIES_FIRST, parts.copies(self.dependencies.files)
        if self.dependencies.needs_code:
            why = "The dependencies are known only with the code, so both go together."
            copied = [parts.code(owned=not self.built)]
        elif self.export:
            why, copied = "Exactly what the lock file has; a change of the code is quick.", []
        caches = [managers.UV_CACHE if self.uses_uv else PIP_CACHE]
        run = blocks.run(*commands, caches=caches)
        if self.export:
            bound = f"type=bind,from=lock,source={EXPORTED},target={_LISTED_AT}"
            run = replace(run, flags=(*run.flags, ("mount", bound)))
        return [*blocks.comment(why), *copied, run]

    def _commands(self) -> list[str]:
        """What installs the dependencies and the server."""
        server = [f'"{self.start.add}"'] if self.start.add else []
        if self.uses_uv:
            added = [f"uv pip install --python {VENV}/bin/python {server[0]}"] if server else []
            return [managers.uv_sync(self.dependencies), *added]
        wanted = {
            "none": [],
            "project": ["."],
            "pip": [f"--requirement {self.dependencies.main}"],
        }.get(self.dependencies.manager, [f"--requirement {_LISTED_AT}"])
        pip = INTO_VENV if self.built else PIP
        if not [*wanted, *server]:
            return []
        hashed = self.dependencies.hashed or (self.export and self.dependencies.lock)
        if hashed and server:  # with hashes pip takes nothing that has none
            commands = [f"{pip} {' '.join(wanted)}", f"{pip} {server[0]}"]
        else:
            commands = [f"{pip} {' '.join([*wanted, *server])}"]
        if self.dependencies.manager == "pyproject":
            toml = _TOML_BEFORE_3_11 if self.version in ("3.9", "3.10") else _TOML
            commands.insert(0, f'python -c "{_LISTED.format(toml=toml)}" > {_LISTED_AT}')
        return commands

    # the stage that runs

    def _environment(self) -> m.Env:
        values: dict[str, object] = {
            "PYTHONDONTWRITEBYTECODE": 1,
            "PYTHONUNBUFFERED": 1,
            "HOME": "/app",
        }
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
            items += [*self._install(), *self._outline()]
        if self.built or not self.dependencies.needs_code:
            items.append(parts.code(owned=True))
        if self.installs_project and not self.outline[0] and not self.project.is_compiled:
            items.append(self._install_project("-e "))
        if self.assets:
            items.append(self.assets.copy())
        if self.start.folder:
            items.append(m.Workdir(f"/app/{self.start.folder}"))
        return items

    def _run(self) -> list[m.Item]:
        health = self._health() if self.start.port is not None else None
        user, *rest = parts.ending(parts.UID, self.start.port, self.start.command, health)
        return [user, *(blocks.run(command) for command in self.start.prepare), *rest]

    def _health(self) -> Sequence[str]:
        if self.start.health:
            return ["python", "-c", _asks(self.start.health)]
        route = code.health_route(self.sources)
        return probes.choose(lambda path: ["python", "-c", _asks(path)], route, self.reasons)
