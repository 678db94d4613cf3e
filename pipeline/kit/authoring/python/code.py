"""What the Python code says: where the app object is, its port, its health route.

By regular expressions, not by parsing: the code may be newer than the Python that runs this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.kit.authoring.tree import Tree

ASYNC = frozenset({"FastAPI", "Starlette", "Quart", "Litestar"})
_NAMES = ("wsgi", "asgi", "app", "main", "server", "application", "api", "run", "web", "__init__")
_PLACES = ("*.py", "*/*.py", "src/*.py", "src/*/*.py")
_NOT_THE_APP = re.compile(
    r"(?:^|/)(?:tests?|docs|examples|scripts|migrations|alembic)/|(?:^|/)(?:test_[^/]*|[^/]*_test|"
    r"conftest|setup|noxfile|fabfile|gunicorn\.conf|gunicorn_conf)\.py$"
)
_OBJECT = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)(?:\s*:\s*[\w.\[\]]+)?\s*=\s*(?:\w+\.)*"
    r"(?P<kind>Flask|FastAPI|Starlette|Quart|Litestar|create_app|make_app|build_app|get_app|"
    r"get_wsgi_application|get_asgi_application)\(",
    re.MULTILINE,
)
_FACTORY = re.compile(
    r"^(?:async )?def (?P<name>create_app|make_app|build_app|get_app)"
    r"\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)\)",
    re.MULTILINE,
)
_PORT_VARIABLE = re.compile(
    r"(?:environ\.get|getenv|env|config)\(\s*[\"']PORT[\"']\s*,\s*(?:default\s*=\s*)?[\"']?(\d{2,5})"
)
_PORT_ARGUMENT = re.compile(
    r"(?:\brun|\bserve|\brun_app|\brun_simple|\brun_server|\bmake_server)\([^)]*?\bport\s*=\s*"
    r"(?:int\()?(\d{2,5})"
)
_PORT_ADDRESS = re.compile(
    r"(?:Server|make_server|\bbind|\bserve)\(?\s*=?\s*[\(\[]?\s*f?[\"'](?:0\.0\.0\.0|::|)?"
    r"(?:[\"']\s*,\s*|:)(\d{2,5})"
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

    @property
    def folder(self) -> str:
        """Folder that has to be on the import path, when it is not the app's own."""
        parts = self.file.split("/")[:-1]
        return parts[0] if parts[:1] == ["src"] else ""

    @property
    def module(self) -> str:
        path = self.file.removeprefix(f"{self.folder}/") if self.folder else self.file
        return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def sources(tree: Tree) -> list[str]:
    """Python files that may be the app, likely ones first."""

    def rank(path: str) -> tuple[int, int, str]:
        stem = path.rpartition("/")[2].removesuffix(".py")
        known = _NAMES.index(stem) if stem in _NAMES else len(_NAMES)
        return path.removeprefix("src/").count("/"), known, path

    found = {path for place in _PLACES for path in tree.matching(place)}
    return sorted((path for path in found if not _NOT_THE_APP.search(path)), key=rank)


def app_object(tree: Tree, files: list[str]) -> AppObject | None:
    """The app, else a function without arguments that makes one."""
    objects = (found for file in files for found in _objects(tree.read(file), file))
    factories = (found for file in files for found in _factories(tree.read(file), file))
    return next(objects, None) or next(factories, None)


def _objects(text: str, file: str) -> Iterator[AppObject]:
    for match in _OBJECT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield AppObject(file, line, match["name"], match["kind"])


def _factories(text: str, file: str) -> Iterator[AppObject]:
    for match in _FACTORY.finditer(text):
        arguments = [part for part in match["arguments"].split(",") if part.strip()]
        if all("=" in part or part.strip().startswith("*") for part in arguments):
            line = text.count("\n", 0, match.start()) + 1
            yield AppObject(file, line, match["name"], match["name"], factory=True)


def port(tree: Tree, files: list[str]) -> tuple[int, str, int] | None:
    """(port, file, line): what the code falls back to without ``PORT``, or what it names itself."""
    for pattern in (_PORT_VARIABLE, _PORT_ARGUMENT, _PORT_ADDRESS):
        for file in files:
            text = tree.read(file)
            if match := pattern.search(text):
                return int(match[1]), file, text.count("\n", 0, match.start(1)) + 1
    return None


def health_route(tree: Tree, files: list[str]) -> tuple[str, str, int] | None:
    """(path, file, line) of a route that says whether the app is well."""
    for file in files:
        text = tree.read(file)
        for match in _HEALTH.finditer(text):
            # Without a slash it is a route only where Django and its like define one.
            if match["slash"] or _ROUTE.search(text, max(0, match.start() - 40), match.start()):
                return f"/{match['path']}", file, text.count("\n", 0, match.start()) + 1
    return None
