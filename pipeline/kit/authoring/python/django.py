"""What a Django project says about how it is to be served."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.sources import Found, Sources
from pipeline.kit.authoring.tree import Tree

_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"'\],\s=]+[\"']([\w.]+)[\"']")
_IMPORTED = re.compile(r"^\s*from\s+(\.*[\w.]*)\s+import\b", re.MULTILINE)
_STATIC_ROOT = re.compile(r"^\s*STATIC_ROOT\s*=\s*(.+)$", re.MULTILINE)
_HOSTS = re.compile(r"^\s*ALLOWED_HOSTS\s*(?::[^=]+)?=\s*(\[[^\]]*\])", re.MULTILINE)
_DEBUG = re.compile(r"^\s*DEBUG\s*=\s*(True)\b", re.MULTILINE)
_SQLITE = re.compile(r"backends\.(sqlite3)|sqlite:///")
_REQUIRED = re.compile(
    r"environ\[\s*[\"'](\w+)[\"']\s*\]"
    r"|\b(?:env|config)(?:\.\w+)?\(\s*[\"'](\w+)[\"']\s*(?:,\s*cast\s*=\s*[\w.]+(?:\(\))?\s*)?\)"
    r"|(?:getenv|environ\.get)\(\s*[\"'](\w*SECRET_KEY)[\"']\s*\)"
)
_STAND_INS: Mapping[str, str] = {
    "DATABASE_URL": "sqlite:////tmp/build.db",
    "_URL": "http://localhost",
    "_PORT": "1",
    "DEBUG": "0",
}
"""End of a name → a value that settings can be loaded with."""


@dataclass(frozen=True)
class Django:
    tree: Tree
    manage: str
    """Path of manage.py."""

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.manage)

    @cached_property
    def settings(self) -> str:
        """Dotted name of the settings module that the server uses; empty when it is not said."""
        entries = (self.entry(kind) for kind in ("wsgi", "asgi"))
        said = (_SETTINGS.search(self.tree.read(file)) for file in entries if file)
        return next((match[1] for match in said if match), self._managed)

    @property
    def environment(self) -> dict[str, str]:
        """So that what manage.py does is done with the settings of the server."""
        return {"DJANGO_SETTINGS_MODULE": self.settings} if self.settings != self._managed else {}

    @property
    def _managed(self) -> str:
        """The settings that manage.py names."""
        found = _SETTINGS.search(self.tree.read(self.manage))
        return found[1] if found else ""

    @cached_property
    def sources(self) -> Sources:
        """The settings: the module that is used, with what it imports."""
        found: dict[str, None] = {}
        waiting = [self._file(self.settings)]
        while waiting:
            file = waiting.pop(0)
            if file is None or file in found:
                continue
            found[file] = None
            names = _IMPORTED.findall(self.tree.read(file))
            waiting += [self._imported(file, name) for name in names]
        if any("include(" in self.tree.read(file) for file in found):  # django-split-settings
            folders = {posixpath.dirname(file) for file in found}
            beside = (path for folder in folders for pattern in ("*.py", "*/*.py")
                      for path in self.tree.matching(f"{folder}/{pattern}"))  # fmt: skip
            found |= dict.fromkeys(path for path in beside if "settings" in path)
        return Sources(self.tree, found)

    def _file(self, module: str) -> str | None:
        path = posixpath.join(self.folder, module.replace(".", "/"))
        return next((f for f in (f"{path}.py", f"{path}/__init__.py") if self.tree.has(f)), None)

    def _imported(self, file: str, name: str) -> str | None:
        """A module that ``file`` imports everything, or something, from."""
        if not name.startswith("."):
            return self._file(name)
        above = len(name) - len(name.lstrip("."))
        folder = posixpath.dirname(file)
        for _ in range(above - 1):
            folder = posixpath.dirname(folder)
        path = posixpath.join(folder, name.lstrip(".").replace(".", "/"))
        return next((f for f in (f"{path}.py", f"{path}/__init__.py") if self.tree.has(f)), None)

    def entry(self, kind: str) -> str | None:
        """The module wsgi.py or asgi.py."""
        place = f"{self.folder}/" if self.folder else ""
        found = [
            *self.tree.matching(f"{place}*/{kind}.py"),
            *self.tree.matching(f"{place}{kind}.py"),
        ]
        package = self._managed.partition(".")[0]
        return next((file for file in found if f"{package}/" in file), next(iter(found), None))

    @property
    def is_async(self) -> bool:
        return self.entry("wsgi") is None

    def collects(self) -> Found | None:
        """Where STATIC_ROOT is set."""
        return self.sources.first(_STATIC_ROOT)

    def collect(self, reasons: Reasons) -> tuple[str, ...]:
        """The command that collects static files, where the settings say to where."""
        found = self.collects()
        settings = "".join(self.tree.read(file) for file in self.sources.files)
        if found is None or "django.contrib.staticfiles" not in settings:
            return ()
        reasons.note("static", "collectstatic", "STATIC_ROOT is set", found.file, line=found.line)
        variables = self.build_environment().items()
        assigned = "".join(f"{name}={value} " for name, value in variables)
        return (f"{assigned}python manage.py collectstatic --noinput",)

    def migrates(self) -> bool:
        """Is the database a file in the container, which nobody else can bring up to date?"""
        return self.sources.has(_SQLITE)

    def build_environment(self) -> dict[str, str]:
        """Variables that the settings cannot do without, with values that only let them load."""
        names = {
            next(group for group in match.groups() if group): None
            for file in self.sources.files
            for match in _REQUIRED.finditer(self.tree.read(file))
        }
        return {name: _stand_in(name) for name in names}

    def tell(self, dependencies: Dependencies, reasons: Reasons) -> None:
        """What the user should know before it goes live."""
        if found := self.sources.first(_HOSTS):
            hosts = "no host" if found.value.strip("[] \n") == "" else found.value
            debug = self.sources.has(_DEBUG)
            if "*" not in found.value and not debug:
                reasons.note(
                    "hosts", found.value, f"Django answers 400 to all but {hosts}: add the name "
                    "that it is reached by to ALLOWED_HOSTS", found.file, line=found.line,
                    doubtful=True,
                )  # fmt: skip
        if found := self.sources.first(_DEBUG):
            reasons.note(
                "debug", "DEBUG = True", "it shows its code to whoever makes it fail: take it from "
                "the environment", found.file, line=found.line, doubtful=True,
            )  # fmt: skip
        elif not dependencies.has("whitenoise") and (found := self.collects()):
            reasons.note(
                "static", "not served", "with DEBUG off Django does not serve them: add "
                "WhiteNoise, or have the server in front do it", found.file, line=found.line,
                doubtful=True,
            )  # fmt: skip


def _stand_in(name: str) -> str:
    return next((value for end, value in _STAND_INS.items() if name.endswith(end)), "only-to-build")


def find(tree: Tree) -> Django | None:
    """The project; None when there is no manage.py, at the top or one folder down."""
    manage = tree.first("manage.py", *tree.matching("*/manage.py"), *tree.matching("*/*/manage.py"))
    if manage is None or not re.search(r"django", tree.read(manage), re.IGNORECASE):
        return None
    return Django(tree, manage)
