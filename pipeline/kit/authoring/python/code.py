"""What the Python code says: where the app object is, its port, its health route.

By regular expressions, not by parsing: the code may be newer than the Python that runs this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.kit.authoring.sources import Found, Sources
from pipeline.kit.authoring.tree import Tree

ASYNC = frozenset(
    {"FastAPI", "Starlette", "Quart", "Litestar", "FastHTML", "fast_app", "BlackSheep", "ASGIApp",
     "AsyncApp", "ASGI", "get_asgi_application", "get_default_application", "falcon.asgi"}
)  # fmt: skip
"""Classes and functions that make an app for an ASGI server."""
PLAIN = frozenset(
    {"Flask", "APIFlask", "OpenAPI", "Bottle", "Dash", "App", "WSGIApp", "FlaskApp",
     "make_wsgi_app", "get_wsgi_application"}
)  # fmt: skip
"""Those that make one for a WSGI server."""
FLASK = frozenset({"Flask", "APIFlask"})
_MAKERS = (
    "create_app|make_app|build_app|get_app|init_app|create_application|make_application|setup_app"
)
_NAMES = ("wsgi", "asgi", "app", "main", "server", "application", "api", "run", "web", "__init__")
_PLACES = ("*.py", "*/*.py", "*/*/*.py", "*/*/*/*.py")
_NOT_THE_APP = re.compile(
    r"(?:^|/)(?:tests?|docs|examples|scripts|migrations|alembic|node_modules|notebooks)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|setup|noxfile|fabfile|tasks|locustfile|"
    r"gunicorn\.conf|gunicorn_conf|gunicorn_config)\.py$"
)
_OBJECT = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)(?:\s*,\s*\w+)*(?:\s*:\s*[\w.\[\]\"']+)?\s*=\s*(?P<module>(?:\w+\.)*)"
    r"(?P<kind>Flask|APIFlask|OpenAPI|FastAPI|Starlette|Quart|Litestar|FastHTML|fast_app|Bottle|"
    r"Dash|Sanic|FlaskApp|AsyncApp|WSGIApp|ASGIApp|" + _MAKERS + r"|get_wsgi_application|"
    r"get_asgi_application|make_wsgi_app|(?<=falcon\.)App|(?<=falcon\.asgi\.)App)\(",
    re.MULTILINE,
)
_ENTRY = re.compile(
    r"^(?:from\s+[\w.]+\s+import\s+(?:\w+\s+as\s+)?)?(?P<name>application|app)\b(?:\s*=|\s*$)",
    re.MULTILINE,
)
_FACTORY = re.compile(
    rf"^(?:async )?def (?P<name>{_MAKERS})"
    r"\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)\)",
    re.MULTILINE,
)
_OWN_SERVER = re.compile(r"\bweb\.Application\(")
"""Of aiohttp and Tornado: no other server can serve what comes of it."""
_DASH_SERVER = re.compile(r"^(\w+)(?:\s*:\s*\w+)?\s*=\s*(\w+)\.server\b", re.MULTILINE)
GUARD = re.compile(r"^if\s+__name__\s*==\s*[\"']__main__[\"']|^if\s+[\"']__main__[\"']\s*==",
                   re.MULTILINE)  # fmt: skip
UNGUARDED_RUN = re.compile(
    r"^(?:(?:app|application|server|api|uvicorn|socketio|bottle)\.)?(?:run|serve)\((?!\))",
    re.MULTILINE,
)
"""A module that starts a server when it is imported."""
_PREPARES = re.compile(
    r"\b(?:create_all|(?:init|setup|create|initiali[sz]e|seed|load|populate)_?(?:db|database|tables?|"
    r"data|schema)?)\("
)
REQUIRED = re.compile(r"environ\[\s*[\"'](\w+)[\"']\s*\](?!\s*=[^=])")
"""Variables that the code cannot do without."""
CELERY = re.compile(r"^(\w+)\s*=\s*Celery\(", re.MULTILINE)
ONLY_HERE = re.compile(
    r"(?:host\s*=\s*|Server\(\s*\(\s*|\bbind\(\s*\(\s*)[\"'](127\.0\.0\.1|localhost)[\"']"
)
AIOHTTP = re.compile(r"\bweb\.(?:run_app|_run_app|TCPSite|AppRunner)\(")
HOST = re.compile(r"(?:getenv|environ\.get|environ)[(\[]\s*[\"']HOST[\"']")
"""Lets itself be told on which address it listens."""
DEVELOPMENT = re.compile(r"\b(?:app|application|server)\.run\(|\buvicorn\.run\(|^serve\(\)", re.M)
PORT = (
    re.compile(
        r"(?:environ\.get|getenv|env|config|environ\.setdefault|env\.int)\(\s*[\"']PORT[\"']\s*,"
        r"\s*(?:default\s*=\s*)?(?:int\()?[\"']?(\d{2,5})"
    ),
    re.compile(r"environ\.get\(\s*[\"']PORT[\"']\s*\)\s*or\s*[\"']?(\d{2,5})"),
    re.compile(
        r"(?:\brun|\bserve|\brun_app|\brun_simple|\brun_server|\bmake_server|\blaunch|"
        r"\bTCPSite)\((?:[^()]|\([^()]*\))*?\b(?:port|server_port)\s*=\s*(?:int\()?(\d{2,5})"
    ),
    re.compile(
        r"(?:Server|make_server|\bbind|\bserve|TCPSite|create_server|start_server)\(?\s*=?\s*"
        r"[\(\[]?\s*(?:\w+\s*,\s*)?f?[\"'](?:0\.0\.0\.0|127\.0\.0\.1|localhost|::|)?"
        r"(?:[\"']\s*,\s*|:)(\d{2,5})"
    ),
    re.compile(r"\.listen\(\s*(\d{2,5})"),
    re.compile(r"add_insecure_port\(\s*f?[\"'][^\"'\n]*:(\d{2,5})"),
    re.compile(r"^\s*(?:SERVER_|APP_|HTTP_)?(?:PORT|port)\s*(?::\s*int\s*)?=\s*(?:int\()?(\d{4,5})\b",
               re.MULTILINE),
    re.compile(r"[\"']--port[\"'][^)]*?default\s*=\s*(\d{2,5})"),
)  # fmt: skip
"""Where the code says what it falls back to without ``PORT``, or what it names itself."""
LISTENS = re.compile(
    r"\b(?:HTTPServer|TCPServer|make_server|serve_forever|run_app|run_simple|start_server|"
    r"create_server|uvicorn\.run|waitress|web\.Application|ui\.run|tornado|WSGIServer|"
    r"add_insecure_port|websockets)\b"
    r"|\b(?:app|application|server)\.(?:run|listen|launch|start)\(|[\"']PORT[\"']"
)
_HEALTH = re.compile(
    r"[\"'](?P<slash>/?)(?P<path>(?:api/|v1/|api/v1/)?"
    r"(?:healthz?|health[-_]?check|_health|livez|readyz|ping|up)/?)[\"']"
)
_ROUTE = re.compile(r"(?:\bre_path|\bpath|\burl|\bRoute)\(\s*$")


@dataclass(frozen=True)
class AppObject:
    """Something that a server can be pointed at."""

    file: str
    line: int
    name: str
    kind: str
    """Class, or function, that made it."""
    factory: bool = False
    attribute: str = ""
    """What of it is the app, when it is not it itself."""

    def module(self, root: str) -> str:
        """Its dotted name as it is imported from the folder ``root``."""
        path = self.file.removeprefix(f"{root}/") if root else self.file
        return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def sources(tree: Tree) -> list[str]:
    """Python files that may be the app, likely ones first."""

    def rank(path: str) -> tuple[int, int, str]:
        stem = path.rpartition("/")[2].removesuffix(".py")
        known = _NAMES.index(stem) if stem in _NAMES else len(_NAMES)
        return path.removeprefix("src/").count("/"), known, path

    found = {path for place in _PLACES for path in tree.matching(place)}
    return sorted((path for path in found if not _NOT_THE_APP.search(path)), key=rank)


def prepares(text: str) -> bool:
    """Does a script do more than start a server when it is run: make tables, say?"""
    guard = GUARD.search(text)
    return guard is not None and _PREPARES.search(text[guard.end() :]) is not None


def app_object(tree: Tree, files: Sequence[str]) -> AppObject | None:
    """The app, else a function without arguments that makes one."""
    return next(app_objects(tree, files), None)


def app_objects(tree: Tree, files: Sequence[str]) -> Iterator[AppObject]:
    for file in files:
        yield from _objects(tree.read(file), file)
    for file in files:
        yield from _factories(tree.read(file), file)


def _objects(text: str, file: str) -> Iterator[AppObject]:
    if file.endswith(("wsgi.py", "asgi.py")) and (match := _ENTRY.search(text)):
        entry = _OBJECT.search(text)
        kind = entry["kind"] if entry and entry["name"] == match["name"] else ""
        kind = kind or ("ASGI" if file.endswith("asgi.py") else "")
        yield AppObject(file, _line(text, match), match["name"], kind)
        return
    for match in _OBJECT.finditer(text):
        if _OWN_SERVER.search(text) and re.fullmatch(_MAKERS, match["kind"]):
            continue
        kind = "falcon.asgi" if match["module"].endswith("asgi.") else match["kind"]
        if kind != "Dash":
            yield AppObject(file, _line(text, match), match["name"], kind)
            continue
        served = {made: name for name, made in _DASH_SERVER.findall(text)}
        name = served.get(match["name"])
        yield AppObject(file, _line(text, match), name or match["name"], kind,
                        attribute="" if name else "server")  # fmt: skip


def _factories(text: str, file: str) -> Iterator[AppObject]:
    if _OWN_SERVER.search(text):
        return
    for match in _FACTORY.finditer(text):
        arguments = [part for part in match["arguments"].split(",") if part.strip()]
        if all("=" in part or part.strip().startswith("*") for part in arguments):
            yield AppObject(file, _line(text, match), match["name"], match["name"], factory=True)


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def health_route(sources: Sources) -> Found | None:
    """A route that says whether the app is well."""
    for file in sources.files:
        text = sources.tree.read(file)
        for match in _HEALTH.finditer(text):
            # Without a slash it is a route only where Django and its like define one.
            if match["slash"] or _ROUTE.search(text, max(0, match.start() - 40), match.start()):
                return Found(f"/{match['path']}", file, _line(text, match))
    return None
