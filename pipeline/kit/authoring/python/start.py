"""How a Python app is started: in production, on ``PORT``, by a server that was made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import StageFailed
from pipeline.kit.authoring import ports, procfile
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.python import code
from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.tree import Tree

ADDED = {"gunicorn": "gunicorn>=23", "uvicorn": "uvicorn>=0.30"}
"""Servers that are installed for an app that brings none: what pip is asked for."""
_SCRIPTS = ("main.py", "app.py", "server.py", "run.py", "bot.py", "worker.py")
_SERVERS = ("gunicorn", "uvicorn", "hypercorn", "waitress-serve", "daphne", "granian")
_ASYNC_FRAMEWORKS = ("fastapi", "starlette", "quart", "litestar", "sanic")


@dataclass(frozen=True)
class Start:
    command: str | Sequence[str]
    port: int | None
    """None for an app that listens on none."""
    add: str = ""
    """A server that has to be installed beside what the app asks for."""
    path: str = ""
    """A folder of the app that its modules are imported from."""


class Starter:
    """Decides how one app is started."""

    def __init__(
        self, tree: Tree, wishes: Wishes, dependencies: Dependencies, reasons: Reasons
    ) -> None:
        self.tree = tree
        self.wishes = wishes
        self.dependencies = dependencies
        self.reasons = reasons
        self.files = code.sources(tree)

    def choose(self) -> Start:
        """The first of: the user's word, the Procfile, the framework's way, a script.

        Raises:
            StageFailed: nothing says how.
        """
        found = (
            self._wished() or self._procfile() or self._django() or self._app() or self._script()
        )
        if found is not None:
            return found
        raise StageFailed(
            "this is Python, but nothing says how it is started",
            hint="Say it in pipeline.yml, `dockerfile: {start: python it.py}`, or in a Procfile.",
            detail=f"Looked for: an app object in {', '.join(self.files[:8]) or 'any .py file'}; "
            f"a Procfile; manage.py; {', '.join(_SCRIPTS)}.",
        )

    def _wished(self) -> Start | None:
        start = self.wishes.start
        if start is None:
            return None
        text = start if isinstance(start, str) else " ".join(start)
        self.reasons.note("start", text, "asked for by `start:`", "pipeline.yml")
        return Start(
            start, self._port(ports.in_command(text), self._usual(text)), self._missing(text)
        )

    def _procfile(self) -> Start | None:
        process = procfile.main(self.tree)
        if process is None:
            return None
        self.reasons.note(
            "start", process.command, f"the process {process.name}", "Procfile", line=process.line
        )
        add = self._missing(process.command)
        if not process.listens:
            return Start(process.command, self.wishes.port, add)
        port = self._port(ports.in_command(process.command), self._usual(process.command) or 8000)
        return Start(process.command, port, add)

    def _django(self) -> Start | None:
        if not self.tree.has("manage.py") or not self.dependencies.has("django"):
            return None
        for name, kind in (("wsgi", "get_wsgi_application"), ("asgi", "get_asgi_application")):
            for file in self.tree.matching(f"*/{name}.py"):
                self.reasons.note("framework", "Django", "there is a manage.py", "manage.py")
                return self._serve(code.AppObject(file, 1, "application", kind), 8000)
        return None

    def _app(self) -> Start | None:
        found = code.app_object(self.tree, self.files)
        if found is None:
            return None
        kind = (
            "a function that makes the app" if found.factory else f"{found.name} = {found.kind}(…)"
        )
        self.reasons.note("app", f"{found.module}:{found.name}", kind, found.file, line=found.line)
        return self._serve(found, self._usual("") or 8000)

    def _script(self) -> Start | None:
        package = next(iter(self.tree.matching("*/__main__.py")), None)
        script = self.tree.first(*_SCRIPTS)
        alone = [file for file in self.files if "/" not in file]
        if script is None and package is None and len(alone) == 1:
            script = alone[0]
        if script is None and package is None:
            return None
        argv = ("python", script) if script else ("python", "-m", str(package).partition("/")[0])
        self.reasons.note(
            "start", " ".join(argv), "the script that is there", script or package or ""
        )
        return Start(argv, self._port(None, None))

    def _serve(self, app: code.AppObject, default: int) -> Start:
        is_async = app.kind in {*code.ASYNC, "get_asgi_application"} or (
            app.kind not in {"Flask", "get_wsgi_application"}
            and self.dependencies.has(*_ASYNC_FRAMEWORKS)
        )
        server = self._server(is_async)
        target = f"{app.module}:{app.name}"
        port = self._port(None, default)
        add = "" if self._brings(server) else ADDED[server]
        self.reasons.note(
            "server", server, "the app's dependencies have it" if not add else
            "a development server is not for production, and the app brings no other",
            self.dependencies.main,
        )  # fmt: skip
        return Start(self._command(server, target, app.factory), port, add, app.folder)

    def _server(self, is_async: bool) -> str:
        order = ("uvicorn", "hypercorn") if is_async else ("gunicorn", "waitress")
        return next((server for server in order if self._brings(server)), order[0])

    def _brings(self, server: str) -> bool:
        standard = "standard" in self.dependencies.names.get("fastapi", ())
        return self.dependencies.has(server) or (server == "uvicorn" and standard)

    def _command(self, server: str, target: str, factory: bool) -> str | list[str]:
        match server:
            case "gunicorn":
                # Without --bind it listens on 0.0.0.0:$PORT; one process, so that what an app keeps
                # in memory stays in one place (WEB_CONCURRENCY asks for more).
                own = ["--threads=8", "--worker-tmp-dir=/dev/shm", "--access-logfile=-"]
                options = [] if self.tree.has("gunicorn.conf.py") else own
                return ["gunicorn", *options, f"{target}()" if factory else target]
            case "waitress":
                call = " --call" if factory else ""
                return f'waitress-serve --port="$PORT"{call} {target}'
            case "hypercorn":
                return f'hypercorn --bind "0.0.0.0:$PORT" "{target}{"()" if factory else ""}"'
            case _:
                call = " --factory" if factory else ""
                return f'uvicorn{call} --host 0.0.0.0 --port "$PORT" {target}'

    def _usual(self, command: str) -> int | None:
        """The port that people expect of the framework, or of the server that is started."""
        if self.dependencies.has("flask", "quart"):
            return 5000
        known = self.dependencies.has("django", *_ASYNC_FRAMEWORKS)
        return 8000 if known or command.partition(" ")[0] in _SERVERS else None

    def _missing(self, command: str) -> str:
        """A server that a command names and no dependency brings."""
        program = command.split()[0] if command.split() else ""
        return ADDED[program] if program in ADDED and not self._brings(program) else ""

    def _port(self, fixed: int | None, default: int | None) -> int | None:
        """``fixed`` is what the command says; ``default`` None asks only the code."""
        if self.wishes.port is not None:
            self.reasons.note("port", self.wishes.port, "asked for by `port:`", "pipeline.yml")
            return self.wishes.port
        if fixed is not None:
            self.reasons.note("port", fixed, "the start command says so")
            return fixed
        config = [file for file in ("gunicorn.conf.py",) if self.tree.has(file)]
        if found := code.port(self.tree, [*config, *self.files]):
            port, file, line = found
            self.reasons.note("port", port, "the code says so", file, line=line)
            return port
        if default is None:
            self.reasons.note("port", "none", "nothing says that it listens")
            return None
        self.reasons.note("port", default, "usual for this kind of app")
        return default
