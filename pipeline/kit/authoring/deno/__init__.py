"""Dockerfiles for Deno."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import pinned
from pipeline.kit.dockerfile import model as m

DEFAULT = "2.9.6"
"""The image has no tag for a major version alone."""
_FILES = ("deno.json", "deno.jsonc")
_LOCK = "deno.lock"
_ENTRIES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("main", "server", "mod", "index", "app")
    for suffix in ("ts", "tsx", "js")
)
_IS_DENO = re.compile(r"\bDeno\.\w+|from\s+[\"'](?:jsr|npm):|https://deno\.land/")
_PORT = (
    re.compile(r"Deno\.env\.get\([\"']PORT[\"']\)[^\n;]{0,40}?(\d{2,5})"),
    re.compile(r"\bport\s*[:=]\s*(\d{2,5})"),
    re.compile(r"\.listen\(\s*(\d{2,5})"),
)
_LISTENS = re.compile(r"Deno\.serve|\.listen\(|\bserve\(|Deno\.listen|export default \{")
_ASKS = "--allow-net --allow-env --allow-read --allow-sys"
"""What a server needs; writing and running programs is for those who say so."""
_USUAL = 8000
_UID = "1993"
"""The user ``deno`` of the image."""


class Deno:
    name = "Deno"
    key = "deno"
    looks_for = (*_FILES, _LOCK)

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.deno:
            return Reason("language", self.name, "asked for by `deno:`", "pipeline.yml")
        node = tree.has("package.json")
        if known := tree.first(*_FILES, _LOCK):
            return Reason("language", self.name, "there is such a file", known, doubtful=node)
        entry = tree.first(*_ENTRIES)
        if entry and not node and _IS_DENO.search(tree.read(entry)):
            return Reason("language", self.name, "it speaks of Deno", entry)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.base = f"denoland/deno:{self._version()}"
        self.config = self._configuration()
        suffixes = (".ts", ".tsx", ".js", ".mjs")
        files = [path for path in tree.files if path.endswith(suffixes)]
        self.sources = Sources(tree, sorted(files, key=lambda path: path not in _ENTRIES))
        said = starting.said(tree, wishes, self.reasons)
        self.command = said.command if said else self._start()
        self.port: int | None = None
        serves = "deno serve" in " ".join(self._words) or self.sources.has(_LISTENS)
        if wishes.port or ((said is None or said.listens) and serves):
            self.port = starting.port(
                self.sources, wishes, self.reasons, command=self.command, patterns=_PORT,
                usual=_USUAL,
            )  # fmt: skip
        self.entry = self._entry()

    def _version(self) -> str:
        if self.wishes.deno:
            self.reasons.note("deno", self.wishes.deno, "asked for by `deno:`", "pipeline.yml")
            return self.wishes.deno
        for version, file, line in pinned(self.tree, "deno", ".dvmrc", ".deno-version"):
            if version.count(".") == 2:
                self.reasons.note("deno", version, "pinned", file, line=line)
                return version
        self.reasons.note("deno", DEFAULT, "no file names a version, so a current one")
        return DEFAULT

    def _configuration(self) -> Mapping[str, Any]:
        if self.tree.has("deno.json"):
            return self.tree.json("deno.json")
        return {}  # deno.jsonc has comments: its tasks are left to deno

    def _start(self) -> str | tuple[str, ...]:
        """The task ``start``, without deno between it and its signals; else a usual file.

        Raises:
            StageFailed: nothing says how.
        """
        tasks = self.config.get("tasks")
        task = tasks.get("start") if isinstance(tasks, dict) else None
        task = task.get("command") if isinstance(task, dict) else task
        if isinstance(task, str) and task:
            line = self.tree.line_of("deno.json", '"start"')
            self.reasons.note("start", task, "tasks.start", "deno.json", line=line)
            unwatched = re.sub(r"\s--watch(?:=\S+)?", "", task)
            if unwatched.startswith("deno serve ") and "--port" not in unwatched:
                return unwatched.replace("deno serve ", 'deno serve --port "$PORT" ', 1)
            return unwatched if unwatched.startswith("deno ") else ("deno", "task", "start")
        if entry := self.tree.first(*_ENTRIES):
            self.reasons.note("start", entry, "the usual file that is there", entry)
            if "export default" in self.tree.read(entry) and "fetch" in self.tree.read(entry):
                return f'deno serve {_ASKS} --port "$PORT" {entry}'
            return ("deno", "run", *_ASKS.split(), entry)
        raise StageFailed(
            "this is Deno, but nothing says how it is started",
            hint='Add `"tasks": {"start": "deno run --allow-net main.ts"}` to deno.json, or say it '
            "in pipeline.yml: `dockerfile: {start: deno run --allow-net it.ts}`.",
        )

    @property
    def _words(self) -> Sequence[str]:
        return self.command.split() if isinstance(self.command, str) else self.command

    def _entry(self) -> str | None:
        """The file whose imports are all that there is to download."""
        named = (word for word in self._words if self.tree.has(word.removeprefix("./")))
        return next(named, None) or self.tree.first(*_ENTRIES)

    def author(self) -> Authored:
        items = blocks.paragraphs(
            [m.From(self.base)],
            [blocks.env({"PORT": self.port})] if self.port is not None else [],
            blocks.apt(self.wishes.packages, "System packages that the app needs."),
            [
                *blocks.comment("The image's own user, who owns nothing but the app's folder."),
                blocks.run(f"install --directory --owner={_UID} --group={_UID} /app"),
                m.Workdir("/app"),
                m.User(_UID),
            ],
            self._content(),
            self._run(),
        )
        return Authored("Deno", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _content(self) -> list[m.Item]:
        """What is downloaded stays in the image's DENO_DIR: it is what the app runs from."""
        own = (("chown", f"{_UID}:{_UID}"),)
        locked = self.tree.has(_LOCK)
        frozen = " --frozen" if locked else ""
        items: list[m.Item] = []
        if first := [path for path in (*_FILES, _LOCK, "package.json") if self.tree.has(path)]:
            if self.config.get("imports") or self.tree.has("package.json"):
                items += [
                    *blocks.comment(parts.DEPENDENCIES_FIRST),
                    m.Copy(tuple(first), "./", flags=own),
                    blocks.run(f"deno install{frozen}"),
                ]
            if not locked:
                because = "there is no deno.lock, so versions may differ from build to build"
                self.reasons.note("dependencies", "deno install", because, first[0], doubtful=True)
        items.append(m.Copy((".",), "./", flags=own))
        if self.entry:
            items.append(blocks.run(f"deno cache{frozen} {self.entry}"))
        return items

    def _run(self) -> list[m.Item]:
        return parts.ending(_UID, self.port, self.command, self._health())[1:]

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        return probes.choose(probes.deno, self.sources.health_route(), self.reasons)
