"""Production servers: which one an app gets, and how it is told what to serve."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.kit.authoring.python import code
from pipeline.kit.authoring.python.code import AppObject
from pipeline.kit.authoring.python.dependencies import Dependencies

ADDED = {"gunicorn": "gunicorn>=23", "uvicorn": "uvicorn>=0.30", "waitress": "waitress>=3"}
"""Servers that are installed for an app that brings none: what pip is asked for."""
CONFIGURATIONS = ("gunicorn.conf.py",)
"""Files that gunicorn reads by itself."""
_ASYNC_FRAMEWORKS = ("fastapi", "starlette", "quart", "litestar", "python-fasthtml", "blacksheep")
_BRING_UVICORN = {"python-fasthtml", "litestar", "nicegui", "chainlit", "gradio", "connexion"}


def is_async(app: AppObject, dependencies: Dependencies) -> bool:
    if app.kind in code.ASYNC:
        return True
    return app.kind not in code.PLAIN and dependencies.has(*_ASYNC_FRAMEWORKS)


def choose(app: AppObject, dependencies: Dependencies) -> str:
    """The first that the app brings, else the usual one."""
    if app.kind == "Sanic":
        return "sanic"
    if app.attribute:
        return "waitress"  # the only one that takes an attribute of an object
    order = ("uvicorn", "hypercorn", "granian", "daphne") if is_async(app, dependencies) else (
        "gunicorn", "waitress"
    )  # fmt: skip
    return next((server for server in order if brings(dependencies, server)), order[0])


def brings(dependencies: Dependencies, server: str) -> bool:
    """Is the server among what the app asks for, or part of that?"""
    if dependencies.has(server) or server == "sanic":
        return True
    if server != "uvicorn":
        return False
    extras = dependencies.extras("fastapi") | dependencies.extras("litestar")
    return bool({"standard", "all"} & extras) or bool(_BRING_UVICORN & set(dependencies.names))


def missing(dependencies: Dependencies, server: str) -> str:
    """What has to be installed for a server that no dependency brings."""
    return ADDED[server] if server in ADDED and not brings(dependencies, server) else ""


def command(server: str, app: AppObject, target: str, *, configured: bool) -> str | Sequence[str]:
    """``configured``: the server has a file of its own with its options."""
    called = f"{target}()" if app.factory else target
    match server:
        case "gunicorn":
            # Without --bind it listens on 0.0.0.0:$PORT; one process, so that what an app keeps
            # in memory stays in one place (WEB_CONCURRENCY asks for more).
            own = ["--threads=8", "--worker-tmp-dir=/dev/shm", "--access-logfile=-"]
            return ["gunicorn", *([] if configured else own), called]
        case "waitress":
            return f'waitress-serve --port="$PORT"{" --call" * app.factory} {target}'
        case "hypercorn":
            return f'hypercorn --bind "0.0.0.0:$PORT" "{called}"'
        case "daphne":
            return f'daphne -b 0.0.0.0 -p "$PORT" {target}'
        case "granian":
            factory = " --factory" * app.factory
            return f'granian --interface asgi{factory} --host 0.0.0.0 --port "$PORT" {target}'
        case "sanic":
            return f'sanic{" --factory" * app.factory} {target} --host=0.0.0.0 --port="$PORT"'
        case _:
            factory = " --factory" * app.factory
            return f'uvicorn{factory} --host 0.0.0.0 --port "$PORT" {target}'
