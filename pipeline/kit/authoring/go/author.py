"""Dockerfiles for Go: one static program on a base of two megabytes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reasons, Wishes
from pipeline.kit.authoring.go.modules import Modules
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_SMALL = "busybox:1-musl"
_WITH_C = "debian:trixie-slim"
_CACHES = ("/go/pkg/mod", "/root/.cache/go-build")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_NUMBER = r"\"(?:[\w.]*:)?(\d{2,5})\""
_PORT = (
    re.compile(r"\(\s*\"PORT\"\s*,\s*\"?:?(\d{2,5})\b"),
    re.compile(rf"Getenv\(\"PORT\"\)[\s\S]{{0,240}}?{_NUMBER}"),
    re.compile(r"env:\"PORT\b[^`\n]*(?:envDefault|default)[:=]\"?:?(\d{2,5})"),
    re.compile(rf"flag\.\w+\((?:&\w+, *)?\"(?:port|addr|listen|http)[\w-]*\", *{_NUMBER}"),
    re.compile(r"flag\.\w+\((?:&\w+, *)?\"port\", *(\d{2,5})"),
    re.compile(r"(?:Listen\w*|\.Run|\.Start)\([^)\n]*?\"[^\"\n]*:(\d{2,5})\""),
    re.compile(rf"\b(?:[Aa]ddr\w*|[Pp]ort)\b[^\n\"]*?{_NUMBER}"),
)
_LISTENS = re.compile(r"\bListen\w*\(|gin-gonic/gin|labstack/echo|gofiber/fiber|http\.Server\{")
_ONLY_HERE = re.compile(
    r"(?:Listen\w*|\.Run|\.Start)\([^)\n]*?\"((?:127\.0\.0\.1|localhost):\d+)\""
)
_USUAL = 8080
_USED_UP = frozenset({"go", "mod", "sum", "work", "md"})


def author(tree: Tree, wishes: Wishes) -> Authored:
    """The Dockerfile for an app that was recognised."""
    return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.modules = Modules(tree)
        self.version = self.modules.version(wishes, self.reasons)
        said = starting.said(tree, wishes, self.reasons)
        self.program = self.modules.choose(said, self.reasons)
        self.command = said.with_program(self.program.name) if said else (self.program.name,)
        self.sources = Sources(tree, self._near_first())
        self.with_c = self.modules.needs_c()
        if self.with_c:
            because = "so the program needs the C library, and a base that has it"
            self.reasons.note("cgo", self.with_c, because, doubtful=False)
        listens = (said is None or said.listens) and self.sources.has(_LISTENS)
        self.port = (
            starting.port(
                self.sources, wishes, self.reasons, command=self.command, patterns=_PORT,
                usual=_USUAL,
            )
            if listens or wishes.port
            else None
        )  # fmt: skip
        if found := self.sources.first(_ONLY_HERE):
            self.reasons.note(
                "address", found.value, "nobody outside of the container reaches it; listen on "
                "all addresses", found.file, line=found.line, doubtful=True,
            )  # fmt: skip

    def _near_first(self) -> list[str]:
        """The program's own folder before what it may import; no other program is imported."""
        mine = self.program.folder
        others = {each.folder for each in self.modules.programs} - {mine}
        files = [path for path in self.modules.sources if posixpath.dirname(path) not in others]
        return sorted(files, key=lambda path: posixpath.dirname(path) != mine)

    def author(self) -> Authored:
        small = not (self.with_c or self.wishes.packages)
        items = blocks.paragraphs(
            [m.From(f"golang:{self.version}{'-trixie' if self.with_c else ''}", "build")],
            self._build(),
            [m.From(_SMALL if small else _WITH_C)],
            [blocks.env({"PORT": self.port})] if self.port is not None else [],
            blocks.apt(self.wishes.packages, "System packages that the app needs."),
            parts.folder() if small else parts.user(),
            self._content(),
            parts.ending(parts.UID, self.port, self.command, self._health(small)),
        )
        return Authored("Go", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _build(self) -> list[m.Item]:
        items: list[m.Item] = [m.Workdir("/src")]
        make: list[str] = []
        if not self.modules.files:
            make = ["go mod init app", "go mod tidy"]
        elif self.modules.incomplete:
            make = ["go mod tidy"]
            because = "there is no go.sum: nothing proves that the modules are the same each time"
            self.reasons.note("dependencies", "go mod tidy", because, "go.mod", doubtful=True)
        elif listed := self.modules.downloads():
            items += [
                *blocks.comment(parts.DEPENDENCIES_FIRST),
                *parts.copies(listed),
                blocks.run("go mod download", caches=_CACHES[:1]),
            ]
        return [*items, parts.code(), blocks.run(*make, self._command(), caches=_CACHES)]

    def _command(self) -> str:
        enabled, tags = (1, "") if self.with_c else (0, " -tags timetzdata")
        return (
            f'CGO_ENABLED={enabled} go build -trimpath -ldflags="-s -w"{tags} '
            f"-o {self._built} {self.program.package}"
        )

    @property
    def _built(self) -> str:
        return f"/out/{self.program.name}"

    def _content(self) -> list[m.Item]:
        data = self.sources.data(_USED_UP)
        if data:
            self.reasons.note("data", ", ".join(data), "the code names them")
        return [
            parts.from_build(_CERTIFICATES, "/etc/ssl/certs/"),
            *parts.data(data),
            parts.from_build(self._built, "/usr/local/bin/"),
        ]

    def _health(self, small: bool) -> Sequence[str] | None:
        if self.port is None:
            return None
        probe = probes.busybox if small else probes.bash
        return probes.choose(probe, self.sources.health_route(), self.reasons)
