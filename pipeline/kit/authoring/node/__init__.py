"""Dockerfiles for Node.js apps: npm, Yarn, pnpm or Bun, servers and sites of files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.node import (
    frameworks,
    health,
    layers,
    listening,
    managers,
    needs,
    scripts,
    version,
    workspace,
)  # fmt: skip
from pipeline.kit.authoring.node.compiled import BUILD_SCRIPTS
from pipeline.kit.authoring.node.install import Installer
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.node.start import Start, Starter
from pipeline.kit.authoring.static import server
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_UID = "1000"
_BUN = re.compile(r"\bBun\.\w+|from [\"']bun(?::\w+)?[\"']")
_SCRIPTS = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "app.mjs")


class Node:
    name = "Node.js"
    key = "node"
    looks_for = (FILE, "server.js")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.node:
            return Reason("language", self.name, "asked for by `node:`", "pipeline.yml")
        if not tree.has(FILE):
            script = next((f for f in _SCRIPTS if listening.LISTENS.search(tree.read(f))), None)
            if script is None:
                return None
            return Reason("language", self.name, "it is a server", script, doubtful=True)
        package = Package(tree)
        if _is_for_tools(tree, package):
            return None
        starts = "start" in package.scripts or package.main or package.dependencies
        told = starts or package.workspaces or "build" in package.scripts or package.tools
        return Reason("language", self.name, "there is such a file", FILE, doubtful=not told)

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        return _Author(tree, wishes).author()


def _is_for_tools(tree: Tree, package: Package) -> bool:
    """Does package.json only hold what somebody works with on a page that nothing has to build?"""
    start = scripts.find(package, "start")
    return (
        tree.has("index.html")
        and not (package.dependencies or package.workspaces or tree.has(package.main))
        and not any(name in package.scripts for name in BUILD_SCRIPTS)
        and not any(listening.LISTENS.search(tree.read(file)) for file in _SCRIPTS)
        and (start is None or start.is_development)
        and frameworks.find(tree, package) is None
    )


@dataclass(frozen=True)
class Site:
    """A site that another app serves."""

    folder: str
    """Where it is built to."""
    stages: tuple[list[m.Item], ...]


def site(tree: Tree, reasons: Reasons) -> Site | None:
    """The stages that build the site in ``tree``; None when it is none.

    Raises:
        StageFailed: its package.json is broken.
    """
    author = _Author(tree, Wishes(), only_site=True)
    if not author.site or author.result is None:
        return None
    reasons.found += author.reasons.found
    return Site(author.result.site, tuple(author.install.stages(site=True)))


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes, *, only_site: bool = False) -> None:
        self.reasons = Reasons()
        self.tree = tree
        self.wishes = wishes
        self.workspace = workspace.find(tree)
        self.package = self.workspace.app(wishes, self.reasons)
        self.result = frameworks.find(tree, self.package)
        self.starter = Starter(tree, wishes, self.package, self.result, self.reasons)
        said = self.package if "engines" in self.package.data else self.workspace.root
        self.node = version.choose(tree, wishes, said, self.reasons)
        self.site = self.starter.is_site
        self.start: Start | None = None if self.site or only_site else self.starter.choose()
        self.manager = managers.choose(
            tree, self.workspace.root, self.reasons, bun=self._starts_bun()
        )
        self.runs_bun = self._runs_bun()
        self.base = "oven/bun:1-slim" if self.runs_bun else f"node:{self.node}-slim"
        code = needs.runs_code(self.workspace, self.package, self.reasons)
        whole = self.site or only_site or code
        self.layers = None if whole else layers.find(tree, self.workspace, self.package)
        self.builds = self._builds()
        packages = self.workspace.below(self.package)[:-1]
        before = [] if self.layers else self.manager.builds(packages)
        needed = needs.Needs(
            self.workspace, self.package, self.manager, self.base, self.reasons,
            result=self.result, start=self.start, code=code,
            builds=bool(self.builds or before or self.layers),
        )  # fmt: skip
        self.install = Installer(tree, needed, self.base, before, self.builds, self.layers)
        if self.result and self.result.told:
            self.reasons.note("framework", self.result.name, self.result.told, self.package.file,
                              doubtful=True)  # fmt: skip

    def author(self) -> Authored:
        if self.start is None:
            return self._of_site(self.result or frameworks.Result("files"))
        items = blocks.paragraphs(
            *self.install.stages(),
            [m.From(self.base)],
            [self._environment(self.start)],
            blocks.apt(
                {*self.wishes.packages, *self.install.needs.at_run_time},
                "System packages that the app needs.",
            ),
            [
                *blocks.comment("The image's own user, who owns nothing but the app's folder."),
                blocks.run(f"install --directory --owner={self._user} --group={self._user} /app"),
                m.Workdir("/app"),
            ],
            *self.install.content(self._user),
            self._run(self.start),
        )
        dockerfile = m.Dockerfile(items)
        return Authored("Node.js", dockerfile, tuple(self.reasons.found), self.start.port)

    def _of_site(self, result: frameworks.Result) -> Authored:
        place = "/".join(part for part in ("/app", self.package.folder, result.site) if part)
        self.reasons.note("site", result.site, f"what {result.name} builds",
                          self.package.file)  # fmt: skip
        port = self.wishes.port or server.PORT
        self.reasons.note("port", port, "usual for nginx" if not self.wishes.port else
                          "asked for by `port:`")  # fmt: skip
        copied = parts.from_build(place, "")
        items = blocks.paragraphs(
            *self.install.stages(site=True),
            *server.serve(copied, port, single_page=result.single_page),
        )
        return Authored("Node.js", m.Dockerfile(items), tuple(self.reasons.found), port)

    # decisions

    @property
    def _words(self) -> Sequence[str]:
        """Of the start command."""
        command = self.start.command if self.start else ()
        return command.split() if isinstance(command, str) else command

    def _starts_bun(self) -> bool:
        return not self.wishes.node and list(self._words[:1]) in (["bun"], ["bunx"])

    def _runs_bun(self) -> bool:
        if self.start is None or self.wishes.node:
            return False
        if self._starts_bun():
            self.reasons.note("runtime", "Bun", "the start command says so")
            return True
        files = self.starter.sources.files
        file = next((each for each in files if _BUN.search(self.tree.read(each))), None)
        if file and self.manager.name == "bun" and list(self._words[:1]) != ["next"]:
            self.reasons.note("runtime", "Bun", "the code uses it", file)
            return True
        return False

    def _builds(self) -> list[str]:
        """Commands that build it, in their order, as they are run in its own folder."""
        found = list(self.start.builds) if self.start else []
        ran = " ".join(found)
        script = self.starter.compiled.script
        if script is not None:
            if not re.search(rf"\brun {script}\b", ran):
                node = "" if self.runs_bun else self.node
                found.append(self.manager.run(script, self.package, node))
            line = self.package.line_of(script)
            self.reasons.note("build", found[-1], f"scripts.{script}", self.package.file, line=line)
        elif self.start is not None and self.start.compiles and "tsc" not in ran:
            found.append("tsc")
            self.reasons.note("build", "tsc", "TypeScript that nothing else compiles",
                              self.package.file)  # fmt: skip
        elif self.result is not None and self.result.build and (self.site or self.result.start):
            found.append(self.result.build)
            self.reasons.note("build", self.result.build, f"the way of {self.result.name}",
                              self.package.file)  # fmt: skip
        return found

    # the stage that runs

    @property
    def _user(self) -> str:
        return "bun" if self.runs_bun else "node"

    def _environment(self, start: Start) -> m.Env:
        values: dict[str, object] = {"NODE_ENV": "production"}
        if start.bin_path:
            folders = [f"/app/{self.package.folder}"] if self.package.folder else []
            path = ":".join(f"{folder}/node_modules/.bin" for folder in [*folders, "/app"])
            values["PATH"] = f"{path}:$PATH"
        values |= start.environment
        if self.result is not None and self.result.start:
            values |= self.result.environment
        if start.port is not None:
            values["PORT"] = start.port
        return blocks.env(values)

    def _run(self, start: Start) -> list[m.Item]:
        probe = None
        if start.port is not None:
            found = self.starter.sources.health_route()
            probe = health.choose(found, self.reasons, bun=self.runs_bun)
        command = start.command
        if self.runs_bun and not isinstance(command, str):
            command = tuple("bun" if word in ("node", "npm") else word for word in command)
        return parts.ending(_UID, start.port, command, probe)
