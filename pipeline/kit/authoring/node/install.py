"""The stages that install and build, and what the last stage takes from them.

Four shapes, the first that will do:

- nothing is built, npm installs: all of it in the last stage;
- nothing is built: dependencies come from a stage that has the manager or a compiler;
- something is built: dependencies, tools, and the build in stages of their own, so that a change of
  the code installs nothing and changes no layer with dependencies (nor, in a workspace, builds the
  packages that the app is made of);
- an install runs code of the project: one stage does everything, and takes the tools away again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.node import frameworks
from pipeline.kit.authoring.node.layers import Layers
from pipeline.kit.authoring.node.needs import AT_BUILD_TIME, FOR_DEVELOPERS, Needs
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_NPM_CACHE = "/root/.npm"
_COMPILED = "/tmp/node-compile-cache"  # noqa: S108 - in the image
"""Where npm has Node keep what it compiled of npm itself, some MB that would stay in the image."""
_WITHOUT_MODULES = "find /app -name node_modules -prune -exec rm -rf {} +"


class Installer:
    def __init__(
        self, tree: Tree, needs: Needs, base: str, before: Sequence[str], builds: Sequence[str],
        layers: Layers | None,
    ) -> None:  # fmt: skip
        self.tree = tree
        self.needs = needs
        self.workspace = needs.workspace
        self.package = needs.package
        self.manager = needs.manager
        self.result = needs.result
        self.start = needs.start
        self.base = base
        self.before = list(before)
        self.builds = list(builds)
        self.layers = layers

    # stages

    def stages(self, *, site: bool = False) -> Iterator[list[m.Item]]:
        if site or self.needs.whole:
            yield from self._one_stage(site=site)
            return
        if not self.needs.builds and not self.needs.foreign:
            return
        yield from self._manifest("dependencies" if not self.needs.builds else "manifest")
        production = not self.needs.keeps_tools
        if not self.needs.builds:
            yield [self._run([self.manager.install(production=production)])]
            return
        if self.needs.modules:
            yield [m.From("manifest", "dependencies")]
            yield [self._run([self.manager.install(production=production)])]
        install = self._run([self.manager.install(production=False), *self._added()])
        if self.workspace.members:  # node_modules in many folders: no one mount has them
            yield [m.From("manifest", "build")]
            yield [install]
            yield from self._code_of_workspace()
            after = [] if self._unpacks or self._outputs else [_WITHOUT_MODULES]
            yield [self._build(after=after)] if self.builds or after else []
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

    def _code_of_workspace(self) -> Iterator[list[m.Item]]:
        environment = self._build_environment()
        if self.layers is None:
            yield [*environment, parts.code()]
            yield self._into_its_folder()
            return
        why = "The packages that the app is made of first: a change of the app builds none of them."
        settings = [file for file in self.layers.settings if file not in self.manager.files]
        yield environment
        yield [*blocks.comment(why), *parts.copies(settings), *self._built(self.layers.packages[0])]
        for package in self.layers.packages[1:]:
            yield self._built(package)
        yield [_folder(self.package), m.Workdir(self._place)]

    def _into_its_folder(self) -> list[m.Item]:
        """Where it is built, once the packages that it is made of are."""
        before = [blocks.run(*self.before)] if self.before else []
        return [*before, *([m.Workdir(self._place)] if self.package.folder else [])]

    def _built(self, package: Package) -> list[m.Item]:
        return [_folder(package), *(blocks.run(each) for each in self.manager.builds([package]))]

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
        if self.needs.code:
            why = blocks.comment("An install runs code of the project, so both go together.")
            yield [m.Workdir("/app"), *why, parts.code(), install]
            yield self._build_environment()
        else:
            why = blocks.comment(parts.DEPENDENCIES_FIRST)
            yield [m.Workdir("/app"), *why, *self._described(), *self._prepared(), install]
            yield [*self._build_environment(), parts.code()]
        prune = [] if site or self.needs.keeps_tools or self._unpacks else [self.manager.prune()]
        yield self._into_its_folder()
        if prune and self.package.folder:
            yield [self._build()] if self.builds else []
            yield [m.Workdir("/app"), self._run(prune)]
        elif self.builds or prune:
            yield [self._build(after=prune)]

    def _tool(self) -> list[m.Item]:
        items: list[m.Item] = []
        if self.needs.compiled:
            packages = {"g++", "make", "python3", *AT_BUILD_TIME.get(self.needs.compiled, ())}
            items += blocks.apt(packages, "Only to build; none of it is in the image that runs.")
        if self.manager.tool and not self.needs.bun:
            # The official image has a yarn already, which may be another.
            force = " --force" if self.manager.name in ("yarn", "berry") else ""
            command = f"npm install --global{force} {self.manager.tool}"
            items.append(blocks.run(command, caches=[_NPM_CACHE]))
        variables = dict(self.manager.environment)
        if self.needs.compiled and not self.needs.bun:
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
        unwanted = [n for n in names if n == "prepare" or FOR_DEVELOPERS.match(scripts[n])]
        commands = [f"npm pkg delete {' '.join(f'scripts.{name}' for name in unwanted)}"]
        commands = commands if unwanted else []
        tool = self.start.tool if self.start else ""
        if tool and not self.needs.keeps_tools:
            commands += [
                f'npm pkg set "dependencies.{tool}={self.package.tools[tool]}"',
                f"npm pkg delete devDependencies.{tool}",
            ]
        return [blocks.run(*commands)] if commands and not self.needs.bun else []

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

    def _run(self, commands: Sequence[str], *, stays: bool = False) -> m.Run:
        """``stays``: what it leaves in the file system is part of the image."""
        by_npm = any(each.startswith("npm ") for each in commands)
        caches = [self.manager.cache, *([_NPM_CACHE] if by_npm else [])]
        caches += [_COMPILED] if by_npm and stays else []
        return blocks.run(*commands, caches=list(dict.fromkeys(caches)))

    def _build_environment(self) -> list[m.Item]:
        values: dict[str, object] = dict(self.result.build_environment) if self.result else {}
        if any(not re.match(r"(?:npm|yarn|pnpm|bun) |node --run ", each) for each in self.builds):
            folders = dict.fromkeys((self._place, "/app"))
            values["PATH"] = ":".join([*(f"{each}/node_modules/.bin" for each in folders), "$PATH"])
        return [blocks.env(values)] if values else []

    def _build(self, *, after: Sequence[str] = ()) -> m.Run:
        caches = [f"{self._place}/{each}" for each in (self.result.caches if self.result else ())]
        if self.needs.whole and after:
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
        command = self.manager.install(production=not self.needs.keeps_tools)
        install = self._run([command], stays=True)
        if self._unpacks and self.result is not None:
            yield [built(f"{self._place}/{source}", self._unpacked(where))
                   for source, where in self.result.unpack.items()]  # fmt: skip
        elif self.needs.whole:
            yield [built("/app", "./")]
        elif self.needs.builds:
            here = f"./{self.package.folder}/" if self.package.folder else "./"
            copied = [built(f"{self._place}/{each}", f"{here}{each}") for each in self._outputs]
            yield [*self._modules(), *(copied or [built("/app", "./")])]
        elif self.needs.code:
            yield [code, install]
        elif self.needs.foreign:
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
        if not self.needs.modules:
            return []
        if self.workspace.members:
            return [_from_dependencies("/app", "./")]
        return [_from_dependencies("/app/node_modules", "./node_modules")]

    def _unpacked(self, where: str) -> str:
        """A standalone build in a workspace keeps the folders of the workspace."""
        if not self.package.folder or where == "./":
            return where
        return f"./{self.package.folder}/{where.removeprefix('./')}"


def _folder(package: Package) -> m.Copy:
    return m.Copy((package.folder,), f"./{package.folder}")


def _from_dependencies(path: str, destination: str) -> m.Copy:
    return m.Copy((path,), destination, flags=(("from", "dependencies"),))
