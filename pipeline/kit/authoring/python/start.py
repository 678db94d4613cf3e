"""How a Python app is started: in production, on ``PORT``, by a server that was made for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring import starting
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.python import (
    code,
    commands,
    consoles,
    django,
    imports,
    scripts,
    servers,
)  # fmt: skip
from pipeline.kit.authoring.python.code import AppObject
from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.python.ports import WEB, Ports
from pipeline.kit.authoring.python.project import PYPROJECT, Project
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.starting import Said

_ANY_HOST = "0.0.0.0"  # noqa: S104 - the container's own


@dataclass(frozen=True)
class Start:
    command: str | Sequence[str]
    port: int | None
    """None for an app that listens on none."""
    add: str = ""
    """A server that has to be installed beside what the app asks for."""
    folder: str = ""
    """The folder of the app that it runs in."""
    path: str = ""
    """A folder of the app that its modules are imported from, when it does not run there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    """Commands for when the code is there, as the app's user."""
    health: str = ""
    """A route that is known without looking at the code."""
    script: str = ""
    """A console script of the project, which has to be installed for it."""


class Starter:
    """Decides how one app is started."""

    def __init__(
        self, project: Project, wishes: Wishes, dependencies: Dependencies, reasons: Reasons
    ) -> None:
        self.project = project
        self.tree = project.tree
        self.wishes = wishes
        self.dependencies = dependencies
        self.reasons = reasons
        self.sources = Sources(self.tree, code.sources(self.tree))
        self.ports = Ports(self.sources, wishes, dependencies, reasons)

    def choose(self) -> Start:
        """The first of: the user's word, the Procfile, the framework's way, a script.

        Raises:
            StageFailed: nothing says how, or what says it names what is not there.
        """
        found = (
            self._said() or self._framework() or self._script() or self._console_script()
            or self._celery()
        )  # fmt: skip
        if found is not None:
            return found
        looked = ", ".join(self.sources.files[:8]) or "any .py file"
        raise StageFailed(
            "this is Python, but nothing says how it is started",
            hint="Say it in pipeline.yml, `dockerfile: {start: python it.py}`, or in a Procfile.",
            detail=f"Looked for: an app object in {looked}; a Procfile; manage.py; "
            f"{', '.join(scripts.USUAL)}; a package with a __main__.py; project.scripts.",
        )

    # what somebody wrote down

    def _said(self) -> Start | None:
        noted = Reasons()
        said = starting.said(self.tree, self.wishes, noted)
        if said is None:
            return None
        mine = self.wishes.start is not None
        because = None if mine else commands.is_development(said.text, self.tree)
        if because and (instead := self._framework()):
            self.reasons.note("start", "not the Procfile's", because, "Procfile")
            return instead
        self.reasons.found += noted.found
        where = Location(noted.found[0].file, noted.found[0].line)
        command = commands.in_image(said.command)
        said = Said(command if isinstance(command, str) else tuple(command), said.listens)
        commands.check(said.text, self.tree, where)
        return self._as_said(said)

    def _as_said(self, said: Said) -> Start:
        program = commands.program(said.text)
        environment = {}
        if program == "uvicorn" and "--host" not in said.text:
            environment["UVICORN_HOST"] = _ANY_HOST
        if program == "flask":
            environment["FLASK_RUN_HOST"] = _ANY_HOST
        for console in consoles.ALL:
            if self.dependencies.has(console.package):
                environment |= console.environment
        src = "src" if self._is_below_src(said.text) else ""
        script = program if program in self.project.scripts else ""
        start = Start(
            said.command, self.wishes.port, servers.missing(self.dependencies, program),
            path=src, environment=environment, script=script,
        )  # fmt: skip
        if not said.listens:
            return start
        usual = self.ports.usual(said.text)
        if usual is None and (program in commands.SERVERS or self.wishes.start is None):
            usual = 8000
        if self.wishes.start is not None and program not in commands.SERVERS:
            usual = self.ports.usual(said.text) if self.ports.is_web else None
        start = replace(start, port=self.ports.choose(said.text, usual))
        project = django.find(self.tree)
        if project is None or project.folder or self.wishes.start is not None:
            return start
        # As who reads Procfiles does for Django, too.
        return replace(
            self._migrating(start, project), prepare=project.collect(self.reasons),
            environment={**start.environment, **project.environment},
        )  # fmt: skip

    def _is_below_src(self, command: str) -> bool:
        modules = re.findall(r"(?:-m\s+|\s)([A-Za-z_]\w*)[\w.]*(?::\w+|\s|$)", f"{command} ")
        return any(
            self.tree.has(f"src/{name}/__init__.py") or self.tree.has(f"src/{name}.py")
            for name in modules if not self.tree.has(f"{name}.py")
        )  # fmt: skip

    # what the framework is

    def _framework(self) -> Start | None:
        return self._django() or self._console(before_objects=True) or self._app() or (
            self._console(before_objects=False)
        )  # fmt: skip

    def _django(self) -> Start | None:
        project = django.find(self.tree)
        if project is None:
            return None
        wants_async = self.dependencies.has("channels", "daphne") or (
            self.dependencies.has("uvicorn") and not self.dependencies.has("gunicorn")
        )
        kinds = ("asgi", "wsgi") if wants_async else ("wsgi", "asgi")
        file = next((found for kind in kinds if (found := project.entry(kind))), None)
        if file is None:
            return None
        self.reasons.note("framework", "Django", "there is a manage.py", project.manage)
        kind = "get_asgi_application" if file.endswith("asgi.py") else "get_wsgi_application"
        app = AppObject(file, 1, "application", kind)
        start = self._serve(app, project.folder, 8000)
        project.tell(self.dependencies, self.reasons)
        return replace(
            self._migrating(start, project), folder=project.folder,
            prepare=project.collect(self.reasons),
            environment={**start.environment, **project.environment},
        )  # fmt: skip

    def _migrating(self, start: Start, project: django.Django) -> Start:
        if not project.migrates():
            return start
        self.reasons.note(
            "migrate", "at the start", "SQLite is a file in the container: nobody else can bring "
            "it up to date, and it is gone with the container unless a volume has it",
            project.manage, doubtful=True,
        )  # fmt: skip
        migrate = "python manage.py migrate --noinput"
        command = start.command if isinstance(start.command, str) else " ".join(start.command)
        how = "" if re.search(r"[|&;]", command) else "exec "
        return replace(start, command=f"{migrate} && {how}{command}")

    def _console(self, *, before_objects: bool) -> Start | None:
        found = consoles.find(self.dependencies, self.sources)
        if found is None or (before_objects and self.dependencies.has(*WEB)):
            return None
        console, file = found
        folder = imports.root(self.tree, file, self.sources.files)
        if folder and not imports.runs_in(self.tree, folder, self.sources.files):
            folder = ""
        script = file.removeprefix(f"{folder}/") if folder else file
        self.reasons.note("framework", console.package, "the script uses it", file)
        command = console.command.format(file=script)
        port = self.ports.choose(command if console.package not in ("gradio", "nicegui") else "",
                          console.port)  # fmt: skip
        return Start(command, port, folder=folder, environment=console.environment,
                     health=console.health)  # fmt: skip

    def _app(self) -> Start | None:
        found = code.app_object(self.tree, self.sources.files)
        if found is None:
            return None
        root = imports.root(self.tree, found.file, self.sources.files)
        kind = (
            "a function that makes the app" if found.factory else f"{found.name} = {found.kind}(…)"
        )
        self.reasons.note(
            "app", f"{found.module(root)}:{found.name}", kind, found.file, line=found.line
        )
        text = self.tree.read(found.file)
        if found.kind not in code.FLASK and code.UNGUARDED_RUN.search(text):
            self.reasons.note("start", f"python {found.file}", "it starts its own server",
                              found.file)  # fmt: skip
            environment = {"HOST": _ANY_HOST} if found.kind == "Dash" else {}
            port = self.ports.choose("", self.ports.usual("") or 8000)
            return Start(("python", found.file), port, environment=environment)
        start = self._serve(found, root, self.ports.usual("") or 8000)
        if found.kind in code.FLASK and code.prepares(text) and not found.factory:
            start = self._preparing(start, found.file.removeprefix(f"{root}/" if root else ""))
        if root == "src" and not imports.runs_in(self.tree, root, self.sources.files):
            return replace(start, path=root)
        return replace(start, folder=root)

    def _preparing(self, start: Start, file: str) -> Start:
        """Run the script first, for what it does before it would serve."""
        self.reasons.note("start", f"python {file}, first", "it prepares its data there", file)
        command = start.command if isinstance(start.command, str) else " ".join(start.command)
        # Flask's own variable, which makes app.run() return.
        first = f"FLASK_RUN_FROM_CLI=true python {file}"
        return replace(start, command=f"{first} && exec {command}")

    def _serve(self, app: AppObject, root: str, default: int) -> Start:
        server = servers.choose(app, self.dependencies)
        add = servers.missing(self.dependencies, server)
        self.reasons.note(
            "server", server, "the app's dependencies have it" if not add else
            "a development server is not for production, and the app brings no other",
            self.dependencies.main,
        )  # fmt: skip
        places = [posixpath.join(root, name) for name in servers.CONFIGURATIONS]
        configured = self.tree.first(*places, *servers.CONFIGURATIONS)
        attribute = f".{app.attribute}" if app.attribute else ""
        target = f"{app.module(root)}:{app.name}{attribute}"
        command = servers.command(server, app, target, configured=bool(configured))
        environment = {}
        if app.kind in code.FLASK and code.UNGUARDED_RUN.search(self.tree.read(app.file)):
            # Flask's own way to let a server import a module that runs it, too.
            environment["FLASK_RUN_FROM_CLI"] = "true"
        config = [configured] if configured and server == "gunicorn" else []
        return Start(command, self.ports.choose("", default, config), add, environment=environment)

    # a script

    def _script(self) -> Start | None:
        found = scripts.find(self.tree, self.sources)
        if found is None:
            return None
        self.reasons.note("start", " ".join(found.argv), "the script that is there", found.file)
        near = Sources(self.tree, [found.file, *self.sources.files])
        if address := near.first(code.ONLY_HERE):
            self.reasons.note(
                "address", address.value, "nobody outside of the container reaches it: listen on "
                "0.0.0.0", address.file, line=address.line, doubtful=True,
            )  # fmt: skip
        environment = {"HOST": _ANY_HOST} if near.has(code.HOST) else {}
        port = self.ports.choose("", self.ports.of_script(near))
        return Start(found.argv, port, path=found.path, environment=environment)

    def _console_script(self) -> Start | None:
        scripts = self.project.scripts
        usual = (self.project.name, "serve", "server", "start", "web", "app", "main")
        name = next((each for each in usual if each in scripts), None)
        name = name or (next(iter(scripts)) if len(scripts) == 1 else None)
        if name is None:
            return None
        line = self.tree.line_of(PYPROJECT, name)
        self.reasons.note("start", name, "the project's own script", PYPROJECT, line=line)
        port = self.ports.choose("", self.ports.of_script(self.sources))
        return Start((name,), port, script=name)

    def _celery(self) -> Start | None:
        """A worker of Celery alone; its tasks are in a module that is no app."""
        files = [path for path in self.tree.files if path.endswith(".py") and path.count("/") < 2]
        found = Sources(self.tree, files).first(code.CELERY)
        if found is None:
            return None
        module = found.file.removesuffix(".py").replace("/", ".")
        command = ("celery", "-A", module.removesuffix(".__init__"), "worker", "--loglevel=info")
        self.reasons.note("start", " ".join(command), f"{found.value} = Celery(…)", found.file,
                          line=found.line)  # fmt: skip
        return Start(command, self.wishes.port)
