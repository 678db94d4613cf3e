"""Which modules and programs a folder of Go has, which Go they ask for, and whether C is in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.starting import Said
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check, pinned

DEFAULT = "1.26"
KNOWN = ("1.25", "1.26", "1.27")
"""Versions that have an image and are looked after, oldest first."""
_VERSION = re.compile(r"^(?P<word>go|toolchain)\s+(?:go)?(?P<version>\d+\.\d+)", re.MULTILINE)
_MODULE = re.compile(r"^module\s+\"?(\S+?)\"?\s*$", re.MULTILINE)
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_MAIN_FUNCTION = re.compile(r"^func main\(\)", re.MULTILINE)
_LISTENS = re.compile(r"\bListen\w*\(|\.Run\(|\.Start\(|http\.Server\{")
_C = re.compile(r"^import \"C\"", re.MULTILINE)
_NEED_C = (
    "github.com/mattn/go-sqlite3",
    "github.com/confluentinc/confluent-kafka-go",
    "github.com/marcboeker/go-duckdb",
    "github.com/tecbot/gorocksdb",
)
_LIKELY = ("server", "web", "api", "app", "http", "main", "service")
_NOT_THE_APP = re.compile(
    r"(?:^|/)(?:testdata|examples?|docs|vendor|tools?|scripts|hack)/|_test\.go$"
)


@dataclass(frozen=True)
class Program:
    """A folder with ``func main``."""

    folder: str
    """Relative to the app's, empty for that itself."""
    name: str
    listens: bool

    @property
    def package(self) -> str:
        return f"./{self.folder}" if self.folder else "."


@dataclass(frozen=True)
class Modules:
    tree: Tree

    @cached_property
    def files(self) -> tuple[str, ...]:
        """go.mod of every module that is built together."""
        if self.tree.has("go.work"):
            text = self.tree.read("go.work")
            block = re.search(r"^use\s*\(([^)]*)\)", text, re.MULTILINE)
            single = re.findall(r"^use\s+([^\s(]+)", text, re.MULTILINE)
            folders = [*(block[1].split() if block else ()), *single]
            paths = [posixpath.normpath(f"{folder}/go.mod") for folder in folders]
            return tuple(path for path in paths if self.tree.has(path))
        return ("go.mod",) if self.tree.has("go.mod") else ()

    @cached_property
    def sources(self) -> list[str]:
        found = (path for path in self.tree.files if path.endswith(".go"))
        return [path for path in found if not _NOT_THE_APP.search(path)]

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        mains: dict[str, list[str]] = {}
        for path in self.sources:
            if _MAIN.search(self.tree.read(path)):
                mains.setdefault(posixpath.dirname(path), []).append(path)
        return tuple(
            Program(folder, posixpath.basename(folder) or self.name, self._listens(paths))
            for folder, paths in mains.items()
            if any(_MAIN_FUNCTION.search(self.tree.read(path)) for path in paths)
        )

    @property
    def name(self) -> str:
        """The last part of the module's path, without a major version."""
        module = _MODULE.search(self.tree.read("go.mod"))
        path = re.sub(r"/v\d+$", "", module[1]) if module else "app"
        return re.sub(r"[^\w.-]", "", posixpath.basename(path)) or "app"

    def downloads(self) -> list[str]:
        """Files that name the modules to download; none if they are here, or there are none."""
        if self.tree.has("vendor/modules.txt") or not self._requires():
            return []
        locks = [path.replace("go.mod", "go.sum") for path in self.files]
        work = [path for path in ("go.work", "go.work.sum") if self.tree.has(path)]
        return [*work, *self.files, *(path for path in locks if self.tree.has(path))]

    def _requires(self) -> bool:
        return any(re.search(r"^require\b", self.tree.read(path), re.M) for path in self.files)

    @property
    def incomplete(self) -> bool:
        """Do the sums lack of what has to be downloaded?"""
        return bool(self.downloads()) and not any(p.endswith("go.sum") for p in self.downloads())

    def needs_c(self) -> str | None:
        """The module or file that is not only Go."""
        required = "\n".join(self.tree.read(path) for path in self.files)
        if module := next((module for module in _NEED_C if module in required), None):
            return module
        return next((path for path in self.sources if _C.search(self.tree.read(path))), None)

    def choose(self, said: Said | None, reasons: Reasons) -> Program:
        """The program that is the app: the one that is named, the only one, or the likely one.

        Raises:
            StageFailed: there is none, or several and nothing tells which.
        """
        programs = self.programs
        if said and (named := [each for each in programs if each.name == said.program]):
            return named[0]
        likely = [each for each in programs if self._is_likely(each)]
        listening = [each for each in programs if each.listens]
        for few in (programs, [p for p in likely if p.listens], listening, likely):
            if len(few) == 1 or (few and few is not programs and few[0].folder == ""):
                self._note(few[0], programs, reasons)
                return few[0]
        if not programs:
            raise StageFailed(
                "this is Go, but there is no program in it: no `func main` in a package main",
                hint="Name the folder that has one: `code: {path: …}`.",
            )
        names = ", ".join(each.name for each in programs)
        raise StageFailed(
            f"this is Go, and it cannot be told which of its programs is the app: {names}",
            hint=f"Name it in pipeline.yml: `dockerfile: {{start: {programs[0].name}}}`.",
        )

    def _is_likely(self, program: Program) -> bool:
        return program.folder == "" or program.name in (self.name, *_LIKELY)

    def _note(self, program: Program, programs: Iterable[Program], reasons: Reasons) -> None:
        others = [each.name for each in programs if each is not program]
        because = "the only func main" if not others else f"not {', '.join(others)}"
        file = next(
            (path for path in self.sources if posixpath.dirname(path) == program.folder), ""
        )
        reasons.note("program", program.package, because, file, doubtful=bool(others))

    def _listens(self, paths: list[str]) -> bool:
        return Sources(self.tree, paths).has(_LISTENS)

    def version(self, wishes: Wishes, reasons: Reasons) -> str:
        """Minor version: what is pinned, else a current one that is not older than go.mod asks."""
        if wishes.go:
            return _noted(reasons, wishes.go, "asked for by `go:`", "pipeline.yml")
        for version, file, line in pinned(self.tree, "go", ".go-version"):
            return _noted(reasons, version, "pinned", file, line)
        asked = sorted(
            (_order(match["version"]), match["version"], path, match[0].strip())
            for path in (*self.files, "go.work")
            for match in _VERSION.finditer(self.tree.read(path))
        )
        if not asked:
            reasons.note("go", DEFAULT, "no file names a version, so a current one")
            return DEFAULT
        _, version, file, text = asked[-1]
        line = self.tree.line_of(file, text)
        check("go", version, file, line)
        if _order(version) > _order(DEFAULT):
            return _noted(reasons, version, f"it says {text}", file, line)
        reasons.note("go", DEFAULT, f"it asks for {version} at least", file, line=line)
        return DEFAULT


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _noted(reasons: Reasons, version: str, because: str, file: str, line: int | None = None) -> str:
    short = re.match(r"\d+\.\d+", version)
    chosen = short.group() if short else version
    if chosen not in KNOWN:
        because += "; not a version that is looked after, or one that came after dockcycle"
    reasons.note("go", chosen, because, file, line=line, doubtful=chosen not in KNOWN)
    return chosen
