"""Dockerfiles for Node.js apps: npm, with or without a build step."""

from __future__ import annotations

from pipeline.kit.authoring import blocks
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.node import version
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.node.start import Starter
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_UID = "1000"
_CACHE = "/root/.npm"
_OWN = (("chown", "node:node"),)
_QUIET = "--no-audit --no-fund"
_TCP_CHECK = (
    "import('node:net').then((net) => net.connect(process.env.PORT, '127.0.0.1')"
    ".on('connect', () => process.exit(0)).on('error', () => process.exit(1)))"
)


def _http_check(path: str) -> str:
    return (
        f"fetch('http://127.0.0.1:' + process.env.PORT + '{path}')"
        ".then((r) => process.exit(r.status < 500 ? 0 : 1), () => process.exit(1))"
    )


class Node:
    name = "Node.js"
    key = "node"
    looks_for = (FILE,)

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.node:
            return Reason("language", self.name, "asked for by `node:`", "pipeline.yml")
        if not tree.has(FILE):
            return None
        package = Package(tree)
        starts = "start" in package.scripts or package.main or package.dependencies
        return Reason("language", self.name, "there is such a file", FILE, doubtful=not starts)

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.reasons = Reasons()
        self.tree = tree
        self.wishes = wishes
        self.package = Package(tree)
        self.base = f"node:{version.choose(tree, wishes, self.reasons)}-slim"
        self.package.note_lock(self.reasons)
        self.builds = "build" in self.package.scripts
        if self.builds:
            line = self.package.line_of("build")
            self.reasons.note("build", "npm run build", "scripts.build", FILE, line=line)
        self.starter = Starter(tree, wishes, self.package, self.reasons)
        self.start = self.starter.choose()

    def author(self) -> Authored:
        items = blocks.paragraphs(
            *(self._build_stage() if self.builds else ()),
            [m.From(self.base)],
            [self._environment()],
            blocks.apt(self.wishes.packages, "System packages that the app needs."),
            [
                *blocks.comment("The image's own user, who owns nothing but the app's folder."),
                blocks.run("install --directory --owner=node --group=node /app"),
                m.Workdir("/app"),
            ],
            *self._content(),
            self._run(),
        )
        dockerfile = m.Dockerfile(items)
        return Authored("Node.js", dockerfile, tuple(self.reasons.found), self.start.port)

    def _environment(self) -> m.Env:
        values: dict[str, object] = {"NODE_ENV": "production"}
        if self.start.bin_path:
            values["PATH"] = "/app/node_modules/.bin:$PATH"
        if self.start.port is not None:
            values["PORT"] = self.start.port
        return blocks.env(values)

    def _build_stage(self) -> list[list[m.Item]]:
        """A stage with the tools that the build needs; they are taken away again at its end."""
        code = [] if self.package.install_needs_code else [m.Copy((".",), "./")]
        build = blocks.run("npm run build", f"npm prune --omit=dev {_QUIET}", caches=[_CACHE])
        return [
            [m.From(self.base, "build"), m.Workdir("/app")],
            self._install(f"npm {self._verb} {_QUIET}"),
            [*code, build],
        ]

    def _content(self) -> list[list[m.Item]]:
        if self.builds:
            return [[m.Copy(("/app",), "./", flags=(("from", "build"), *_OWN))]]
        install = f"npm {self._verb} --omit=dev {_QUIET}"
        if self.package.install_needs_code:
            return [self._install(install)]
        # `prepare` is for those who work on the project, and would miss their tools.
        prepare = ["npm pkg delete scripts.prepare"] if "prepare" in self.package.scripts else []
        return [self._install(*prepare, install), [m.Copy((".",), "./", flags=_OWN)]]

    @property
    def _verb(self) -> str:
        return "ci" if self.package.lock else "install"

    def _install(self, *commands: str) -> list[m.Item]:
        if not self.tree.has(FILE):
            return []
        run = blocks.run(*commands, caches=[_CACHE])
        if self.package.install_needs_code:
            self.reasons.note("dependencies", "with the code", "an install script needs it", FILE)
            flags = () if self.builds else _OWN
            return [m.Copy((".",), "./", flags=flags), run]
        files = (FILE, self.package.lock, self.tree.first(".npmrc"))
        return [
            *blocks.comment(
                "Dependencies before the code: as long as they stay, a change of the code is quick."
            ),
            m.Copy(tuple(file for file in files if file), "./"),
            run,
        ]

    def _run(self) -> list[m.Item]:
        items: list[m.Item] = [m.User(_UID)]
        if self.start.port is not None:
            items += [m.Expose((str(self.start.port),)), self._health()]
        return [*items, m.Cmd(blocks.start_command(self.start.command))]

    def _health(self) -> m.Healthcheck:
        found = self.starter.health_route()
        if found is None:
            self.reasons.note("health", "its port", "no route of a usual name was found")
            return blocks.healthcheck(["node", "-e", _TCP_CHECK])
        path, file, line = found
        self.reasons.note("health", path, "a route of that name", file, line=line)
        return blocks.healthcheck(["node", "-e", _http_check(path)])
