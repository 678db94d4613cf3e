"""The stages that install and build, and what the last stage takes from them.

Four shapes, the first that will do:

- nothing is built, npm installs: all of it in the last stage;
- nothing is built: dependencies come from a stage that has the manager or a compiler;
- something is built: dependencies, tools, and the build in stages of their own, so that a change of
  the code installs nothing and changes no layer with dependencies;
- an install runs code of the project: one stage does everything, and takes the tools away again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.node import frameworks
from pipeline.kit.authoring.node.frameworks import Result
from pipeline.kit.authoring.node.managers import Manager
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.node.start import Start
from pipeline.kit.authoring.node.workspace import Workspace
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_NPM_CACHE = "/root/.npm"
_COMPILED = ("better-sqlite3", "sqlite3", "node-sass", "serialport", "re2", "leveldown", "kerberos",
             "cpu-features", "isolated-vm", "farmhash", "libpq", "pg-native", "usb", "zeromq",
             "robotjs", "deasync", "node-gyp", "couchbase", "integer")  # fmt: skip
_AT_RUN_TIME = {"prisma": ("ca-certificates", "openssl"), "@prisma/client": ("ca-certificates",
                "openssl"), "pg-native": ("libpq5",), "libpq": ("libpq5",)}  # fmt: skip
_AT_BUILD_TIME = {"pg-native": ("libpq-dev",), "libpq": ("libpq-dev",)}
_FOR_DEVELOPERS = re.compile(
    r"^(?:npx\s+)?(?:husky|only-allow|simple-git-hooks|lefthook|nuxi?\s+prepare|svelte-kit\s+sync|"
    r"is-ci|git config|pnpm dlx only-allow|npx --yes only-allow|nuxt prepare)\b"
)
_WITHOUT_MODULES = "find . -name node_modules -prune -exec rm -rf {} +"
_GENERATES = ("prisma", "@prisma/client")
"""Packages that write code of the project's own into node_modules."""


class Installer:
    def __init__(
        self, tree: Tree, workspace: Workspace, package: Package, manager: Manager, base: str,
        reasons: Reasons, *, result: Result | None, start: Start | None, builds: Sequence[str],
    ) -> None:  # fmt: skip
        self.tree = tree
        self.workspace = workspace
        self.package = package
        self.manager = manager
        self.base = base
        self.reasons = reasons
        self.result = result
        self.start = start
        self.builds = list(builds)
        self.bun = base.startswith("oven/")
        self.needs_code = self._needs_code()
        self.compiled = package.has(*_COMPILED)
        if self.compiled:
            reasons.note("system packages", "g++, make, python3", f"{self.compiled} is compiled",
                         package.file)  # fmt: skip
        self.keeps_tools = self._keeps_tools()

    # decisions

    @property
    def whole(self) -> bool:
        """Does one stage do everything?"""
        return self.needs_code and bool(self.builds or self.foreign)

    @property
    def foreign(self) -> bool:
        """Does an install need what the last stage is not to have?"""
        return bool((self.manager.tool and not self.bun) or self.compiled)

    @property
    def needs_at_run_time(self) -> set[str]:
        asked = {*self.package.dependencies, *self.package.tools}
        return {each for name in asked for each in _AT_RUN_TIME.get(name, ())}

    @property
    def modules(self) -> bool:
        """Is there anything in node_modules when the app runs?"""
        if self.result is not None and self.result.start and not self.result.modules:
            return False
        optional = self.package.data.get("optionalDependencies")
        tool = self.start.tool if self.start else ""
        asked = self.package.dependencies or self.workspace.root.dependencies
        return bool(asked or optional or tool)

    def _needs_code(self) -> bool:
        root = self.workspace.root
        if generating := self.package.has(*_GENERATES):
            because = f"{generating} makes code of the project's own"
            self.reasons.note("dependencies", "with the code", because, FILE)
            return True
        script = root.own_install_script
        if script is None or _FOR_DEVELOPERS.match(root.scripts[script]):
            return False
        self.reasons.note("dependencies", "with the code", "an install script needs it", FILE,
                          line=root.line_of(script))  # fmt: skip
        return True

    def _keeps_tools(self) -> bool:
        """Are development dependencies in the image, since the start cannot do without?"""
        tool = self.start.tool if self.start else ""
        if not tool:
            return False
        alone = self.manager.name == "npm" and not self.whole and not self.workspace.members
        because = "the start command needs it" if alone else (
            "the start command needs it, so all of them are in the image"
        )  # fmt: skip
        self.reasons.note(
            "dependencies", tool, f"a development dependency, but {because}: move it to "
            "dependencies", self.package.file, line=self.package.line_of(tool), doubtful=True,
        )  # fmt: skip
        return not alone

    # stages

    def stages(self, *, site: bool = False) -> Iterator[list[m.Item]]:
        if site or self.whole:
            yield from self._one_stage(site=site)
            return
        if not self.builds and not self.foreign:
            return
        yield from self._manifest("dependencies" if not self.builds else "manifest")
        production = not self.keeps_tools
        if not self.builds:
            yield [self._run([self.manager.install(production=production)])]
            return
        if self.modules:
            yield [m.From("manifest", "dependencies")]
            yield [self._run([self.manager.install(production=production)])]
        install = self._run([self.manager.install(production=False), *self._added()])
        if self.workspace.members:  # node_modules in many folders: no one mount has them
            yield [m.From("manifest", "build")]
            yield [install]
            yield [*self._build_environment(), parts.code()]
            yield [self._build(after=[] if self._unpacks or self._outputs else [_WITHOUT_MODULES])]
            return
        yield [m.From("manifest", "tools")]
        if not (self.package.dependencies or self.package.tools):
            # Without packages npm makes no folder, and what is not there cannot be mounted.
            made = [*self._added(), "mkdir -p node_modules"]
            install = self._run([self.manager.install(production=False), *made])
        yield [install]
        yield [m.From("manifest", "build"), *self._build_environment(), parts.code()]
        # What is mounted is left behind with its stage.
        mount = "type=bind,from=tools,source=/app/node_modules,target=/app/node_modules,rw"
        build = self._build(after=self._below())
        yield [replace(build, flags=(*build.flags, ("mount", mount)))]

    def _below(self) -> list[str]:
        """Take away what sites in folders of their own were built with."""
        files = [path for path in self.tree.files if path.endswith(f"/{FILE}")]
        folders = [path.removesuffix(f"/{FILE}") for path in files]
        sites = [each for each in folders if (
            (found := frameworks.find(self.tree, Package(self.tree, each))) and found.site
        )]  # fmt: skip
        return [f"rm -rf {' '.join(f'{each}/node_modules' for each in sites)}"] if sites else []

    def _manifest(self, name: str) -> Iterator[list[m.Item]]:
        """A stage with the manager and with what says what is to be installed."""
        yield [m.From(self.base, name)]
        yield self._tool()
        yield [
            m.Workdir("/app"),
            *blocks.comment(parts.DEPENDENCIES_FIRST),
            *self._described(),
            *self._prepared(),
        ]

    def _one_stage(self, *, site: bool) -> Iterator[list[m.Item]]:
        yield [m.From(self.base, "build")]
        yield self._tool()
        install = self._run([self.manager.install(production=False), *self._added()])
        if self.needs_code:
            why = blocks.comment("An install runs code of the project, so both go together.")
            yield [m.Workdir("/app"), *why, parts.code(), install]
            yield self._build_environment()
        else:
            why = blocks.comment(parts.DEPENDENCIES_FIRST)
            yield [m.Workdir("/app"), *why, *self._described(), *self._prepared(), install]
            yield [*self._build_environment(), parts.code()]
        prune = [] if site or self.keeps_tools or self._unpacks else [self.manager.prune()]
        yield [self._build(after=prune)]

    def _tool(self) -> list[m.Item]:
        items: list[m.Item] = []
        if self.compiled:
            packages = {"g++", "make", "python3", *_AT_BUILD_TIME.get(self.compiled, ())}
            items += blocks.apt(packages, "Only to build; none of it is in the image that runs.")
        if self.manager.tool and not self.bun:
            # The official image has a yarn already, which may be another.
            force = " --force" if self.manager.name in ("yarn", "berry") else ""
            command = f"npm install --global{force} {self.manager.tool}"
            items.append(blocks.run(command, caches=[_NPM_CACHE]))
        variables = dict(self.manager.environment)
        if self.compiled and not self.bun:
            variables["npm_config_nodedir"] = "/usr/local"  # headers that are there already
        return [*items, *([blocks.env(variables)] if variables else [])]

    def _described(self) -> list[m.Copy]:
        members = [member.file for member in self.workspace.members]
        return parts.copies([FILE, *self.manager.files, *members])

    def _prepared(self) -> list[m.Item]:
        """Without scripts that are for those who work on the project and miss their tools, and with
        the tool that the start needs as what it is."""
        scripts = self.workspace.root.scripts
        names = [name for name in ("prepare", "preinstall", "postinstall") if name in scripts]
        unwanted = [n for n in names if n == "prepare" or _FOR_DEVELOPERS.match(scripts[n])]
        commands = [f"npm pkg delete {' '.join(f'scripts.{name}' for name in unwanted)}"]
        commands = commands if unwanted else []
        tool = self.start.tool if self.start else ""
        if tool and not self.keeps_tools:
            commands += [
                f'npm pkg set "dependencies.{tool}={self.package.tools[tool]}"',
                f"npm pkg delete devDependencies.{tool}",
            ]
        return [blocks.run(*commands)] if commands and not self.bun else []

    def _added(self) -> list[str]:
        """What the build needs and package.json does not ask for."""
        package = self.result.before_build if self.result else ""
        if not package:
            return []
        verb = {
            "npm": "npm install --no-save --no-audit --no-fund",
            "pnpm": f"pnpm add --save-dev --store-dir={self.manager.cache}",
        }.get(
            self.manager.name, "bun add --dev" if self.manager.name == "bun" else "yarn add --dev"
        )
        return [f"{verb} {package}"]

    def _run(self, commands: Sequence[str]) -> m.Run:
        caches = dict.fromkeys([self.manager.cache, *(
            [_NPM_CACHE] if any(each.startswith("npm ") for each in commands) else []
        )])  # fmt: skip
        return blocks.run(*commands, caches=list(caches))

    def _build_environment(self) -> list[m.Item]:
        values: dict[str, object] = dict(self.result.build_environment) if self.result else {}
        if any(not re.match(r"(?:npm|yarn|pnpm|bun) |node --run ", each) for each in self.builds):
            values["PATH"] = "/app/node_modules/.bin:$PATH"
        return [blocks.env(values)] if values else []

    def _build(self, *, after: Sequence[str] = ()) -> m.Run:
        caches = [f"{self._place}/{each}" for each in (self.result.caches if self.result else ())]
        if self.whole and after:
            caches.append(self.manager.cache)
        return blocks.run(*self.builds, *after, caches=caches)

    @property
    def _place(self) -> str:
        return f"/app/{self.package.folder}" if self.package.folder else "/app"

    @property
    def _unpacks(self) -> bool:
        return self.result is not None and bool(self.result.start and self.result.unpack)

    @property
    def _outputs(self) -> tuple[str, ...]:
        return self.result.outputs if self.result and self.result.start else ()

    # what the last stage has

    def content(self, user: str) -> Iterator[list[m.Item]]:
        own = ("chown", f"{user}:{user}")

        def built(source: str, destination: str) -> m.Copy:
            return m.Copy((source,), destination, flags=(("from", "build"), own))

        code = m.Copy((".",), "./", flags=(own,))
        install = self._run([self.manager.install(production=not self.keeps_tools)])
        if self._unpacks and self.result is not None:
            yield [built(f"{self._place}/{source}", self._unpacked(where))
                   for source, where in self.result.unpack.items()]  # fmt: skip
        elif self.whole:
            yield [built("/app", "./")]
        elif self.builds:
            here = f"./{self.package.folder}/" if self.package.folder else "./"
            copied = [built(f"{self._place}/{each}", f"{here}{each}") for each in self._outputs]
            yield [*self._modules(), *(copied or [built("/app", "./")])]
        elif self.needs_code:
            yield [code, install]
        elif self.foreign:
            yield [*self._modules(), code]
        elif not self.tree.has(FILE):
            yield [code]
        else:
            why = blocks.comment(parts.DEPENDENCIES_FIRST)
            yield [*why, *self._described(), *self._prepared(), install]
            yield [code]
        if self.package.folder:
            yield [m.Workdir(f"/app/{self.package.folder}")]

    def _modules(self) -> list[m.Item]:
        """A layer of its own, which a change of the code leaves as it is."""
        if not self.modules:
            return []
        if self.workspace.members:
            return [_from_dependencies("/app", "./")]
        return [_from_dependencies("/app/node_modules", "./node_modules")]

    def _unpacked(self, where: str) -> str:
        """A standalone build in a workspace keeps the folders of the workspace."""
        if not self.package.folder or where == "./":
            return where
        return f"./{self.package.folder}/{where.removeprefix('./')}"


def _from_dependencies(path: str, destination: str) -> m.Copy:
    return m.Copy((path,), destination, flags=(("from", "dependencies"),))
