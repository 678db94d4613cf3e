"""How a Node.js app is started, and on which port."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring import ports, starting
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.node import files, listening, scripts
from pipeline.kit.authoring.node.compiled import Compiled
from pipeline.kit.authoring.node.frameworks import Result
from pipeline.kit.authoring.node.package import Package
from pipeline.kit.authoring.node.scripts import Script
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree

_TYPESCRIPT_FILES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("src/", "", "server/")
    for name in ("server", "index", "app", "main")
    for suffix in ("ts", "mts")
)
_PACKAGE_OF = {"remix-serve": "@remix-run/serve", "react-router-serve": "@react-router/serve",
               "dotenv": "dotenv-cli", "nest": "@nestjs/cli", "fastify": "fastify-cli",
               "ts-node-esm": "ts-node",
               "babel-node": "@babel/node", "pm2-runtime": "pm2"}  # fmt: skip
"""Program → package, where the names differ."""
_PROGRAMS = ("node", "npm", "npx", "env", "sh", "bash", "exec", "bun", "bunx", "yarn", "pnpm", "")
"""Those that the image has itself, outside of node_modules, or that cannot be told."""
_USUAL = 3000


@dataclass(frozen=True)
class Start:
    command: str | Sequence[str]
    port: int | None
    builds: tuple[str, ...] = ()
    """Commands that have to be run before, when the image is built."""
    compiles: bool = False
    """It is JavaScript that a build makes of TypeScript."""
    tool: str = ""
    """A development dependency that it cannot do without."""
    bin_path: bool = False
    """The command's program is in node_modules/.bin."""
    environment: Mapping[str, str] = field(default_factory=dict)


class Starter:
    """Decides how one app is started."""

    def __init__(
        self, tree: Tree, wishes: Wishes, package: Package, result: Result | None, reasons: Reasons
    ) -> None:
        self.tree = tree
        self.wishes = wishes
        self.package = package
        self.result = result
        self.reasons = reasons
        self.place = f"{package.folder}/" if package.folder else ""
        self.compiled = Compiled(tree, package)
        self.sources = Sources(tree, files.find(tree, self.place))
        self.said = starting.said(tree, wishes, reasons) if not package.folder or (
            wishes.start is not None
        ) else None  # fmt: skip

    @property
    def script(self) -> Script | None:
        """The script that starts it in production."""
        start = scripts.find(self.package, "start")
        if start and not start.is_development and not (start.typescript and self._production()):
            return start
        return self._production() or start

    def _production(self) -> Script | None:
        names = ("start:prod", "start:production", "start-prod", "prod", "production", "serve:prod")
        found = (scripts.find(self.package, name) for name in names)
        return next((each for each in found if each and not each.is_development), None)

    @property
    def is_site(self) -> bool:
        """Is the app nothing but files, once it is built?"""
        if self.result is None or not self.result.site or self.said is not None:
            return False
        if self.script is not None and not self.script.is_development:
            return False
        return self.script is not None or self._usual_file() is None

    def choose(self) -> Start:
        """The first of: the user's word, the Procfile, the framework's way, a script, ``main``, a
        usual file.

        Raises:
            StageFailed: nothing says how, or what says it names what is not there.
        """
        found = self._said() or self._framework() or self._by_script() or self._file()
        if found is None:
            raise StageFailed(
                "this is Node.js, but nothing says how it is started",
                hint='Add `"scripts": {"start": "node server.js"}` to package.json, or say it in '
                "pipeline.yml: `dockerfile: {start: node server.js}`.",
                detail="Looked for: a Procfile; scripts.start and main in package.json; "
                f"{', '.join(files.USUAL[:4])} and the like.",
            )
        return found

    # what says it

    def _said(self) -> Start | None:
        if self.said is None:
            return None
        command = self.said.command
        if isinstance(command, str) and self.wishes.start is None:
            followed = scripts.follow(self.package, "", command)
            if command.strip() in ("npm start", "yarn start", "pnpm start", "node ."):
                return None
            if gone := scripts.missing(self.package, command):
                raise self._gone(command, f"a script {gone}", Location("Procfile"))
            command = command if followed.needs_npm else followed.command
        where = Location("pipeline.yml" if self.wishes.start is not None else "Procfile")
        return self._start(command, where, listens=self.said.listens)

    def _framework(self) -> Start | None:
        if self.result is None or not self.result.start:
            return None
        script = self.script
        framework_has_it = self.result.unpack or (self.result.outputs and script and (
            not script.command.startswith("node ")
        ))  # fmt: skip
        if script and not script.is_development and not framework_has_it:
            return None
        self.reasons.note("start", " ".join(self.result.start), f"the way of {self.result.name}",
                          self.package.file)  # fmt: skip
        return self._start(self.result.start, None)

    def _by_script(self) -> Start | None:
        """``npm start``, without npm between the app and its signals where that can be."""
        script = self.script
        if script is None or (script.is_development and self._usual_file()):
            return None
        line = self.package.line_of(script.name)
        where = Location(self.package.file, line)
        because = f"scripts.{script.name}"
        if gone := scripts.missing(self.package, script.command):
            raise self._gone(script.command, f"a script {gone}", where)
        if script.typescript and (made := self.compiled.output(script.typescript)):
            self.reasons.note("start", f"node {made}", f"what {script.typescript} is compiled to",
                              where.file, line=line)  # fmt: skip
            return self._start(("node", made), where, builds=script.builds, compiles=True)
        command = scripts.in_production(script.command)
        if script.needs_npm:
            self.reasons.note("start", "npm start", "npm has to run several commands", where.file,
                              line=line)  # fmt: skip
            words = ("npm", "start") if script.name == "start" else ("npm", "run", script.name)
            return self._start(words, where, builds=script.builds)
        if command != script.command:
            because += ", but as it is in production"
        self.reasons.note("start", command, because, where.file, line=line)
        return self._start(command, where, builds=script.builds)

    def _file(self) -> Start | None:
        main = self.package.main
        candidates = (main, f"{main}.js", f"{main}/index.js") if main else ()
        there = self.tree.first(*(f"{self.place}{file}" for file in candidates))
        file = there.removeprefix(self.place) if there else None
        if file is None and main and self.compiled.makes(main):
            self.reasons.note("start", f"node {main}", "main in package.json", self.package.file)
            return self._start(("node", main), Location(self.package.file), compiles=True)
        file = file or self._usual_file()
        if file is not None and not file.endswith((".ts", ".mts")):
            because = "main in package.json" if there else "the usual file that is there"
            self.reasons.note("start", f"node {file}", because,
                              self.package.file if there else f"{self.place}{file}")  # fmt: skip
            return self._start(("node", file), Location(self.package.file))
        return self._typescript(file)

    def _typescript(self, main: str | None) -> Start | None:
        """A program in TypeScript that nothing says how to start."""
        found = self.tree.first(*(f"{self.place}{each}" for each in _TYPESCRIPT_FILES))
        file = main or (found.removeprefix(self.place) if found else None)
        if file is None:
            return None
        made = self.compiled.output(file)
        if made is None:
            runner = next((r for r in ("bun", "tsx", "ts-node") if self._has_runner(r)), None)
            if runner is None:
                return None
            self.reasons.note("start", f"{runner} {file}", "the usual file", f"{self.place}{file}")
            return self._start((runner, file), Location(self.package.file))
        self.reasons.note("start", f"node {made}", "what it is compiled to", f"{self.place}{file}")
        return self._start(("node", made), Location(self.package.file), compiles=True)

    def _has_runner(self, name: str) -> bool:
        if name == "bun":
            files = self.tree.first("bun.lock", "bun.lockb", "bunfig.toml")
            return bool(files or self.package.has("@types/bun", "bun-types"))
        return self.package.has(name) is not None

    def _usual_file(self) -> str | None:
        found = self.tree.first(*(f"{self.place}{file}" for file in files.USUAL))
        if found is None or not self._is_program(found):
            return None
        return found.removeprefix(self.place)

    def _is_program(self, file: str) -> bool:
        """And not code for a browser that lies in a usual place."""
        text = self.tree.read(file)
        if self.result is None or not self.result.site:
            return True
        return listening.LISTENS.search(text) is not None

    # what it comes down to

    def _start(
        self, command: str | Sequence[str], where: Location | None, *, builds: tuple[str, ...] = (),
        compiles: bool = False, listens: bool = True,
    ) -> Start:  # fmt: skip
        text = command if isinstance(command, str) else " ".join(command)
        bare = scripts.without_variables(text)
        if where is not None:
            self.compiled.check(bare, builds, where)
        program = bare.split()[0] if bare.split() else ""
        package = _PACKAGE_OF.get(program, program)
        wanted = (package, self.result.tool if self.result else "")
        tool = next((each for each in wanted if each in self.package.tools), "")
        if runner := re.search(r"(?:--(?:loader|import|require)[= ]|-r )(tsx|ts-node)\b", bare):
            tool = runner[1] if runner[1] in self.package.tools else tool
        environment: dict[str, str] = {}
        if program == "fastify":
            environment = {"FASTIFY_ADDRESS": "0.0.0.0"}  # noqa: S104 - the container's own
        elif any("process.env.HOST" in self.tree.read(file) for file in self.sources.files):
            environment = {"HOST": "0.0.0.0"}  # noqa: S104
        if tool == "ts-node":  # the types that it would check are for developers, and stay out
            environment["TS_NODE_TRANSPILE_ONLY"] = "true"
        if started := scripts.file(bare):
            first = f"{self.place}{started}"
            rest = [file for file in self.sources.files if file != first]
            self.sources = Sources(self.tree, [*(first,) * self.tree.has(first), *rest])
        in_bin = program not in _PROGRAMS and not program.startswith((".", "/"))
        port = self._port(text) if listens else self.wishes.port
        if port is not None:
            self._tell_address()
        return Start(command, port, builds, compiles, tool, in_bin, environment)

    def _gone(self, command: str, what: str, where: Location) -> StageFailed:
        return StageFailed(
            f"`{command}` needs {what}, which is not there",
            hint=f"package.json has the scripts {', '.join(self.package.scripts) or 'none'}.",
            where=where,
        )

    def _port(self, command: str) -> int | None:
        of_framework = self.result is not None and bool(self.result.start)
        sources = Sources(self.tree, [] if of_framework else self.sources.files)
        usual = self.result.port if self.result else _USUAL
        plain = re.match(r"(?:node|bun|tsx|ts-node|env)\b", command) is not None
        listens = (
            self.sources.has(listening.LISTENS) or self.package.has(*listening.WEB) is not None
        )
        silent = plain and not of_framework and not listens
        if silent and self.wishes.port is None and ports.in_command(command) is None:
            self.reasons.note("port", "none", "nothing says that it listens")
            return None
        return starting.port(
            sources, self.wishes, self.reasons, command=command, patterns=listening.PORT,
            usual=usual,
        )  # fmt: skip

    def _tell_address(self) -> None:
        patterns = [listening.ONLY_HERE]
        if "fastify" in self.package.dependencies:
            patterns.append(listening.FASTIFY_LISTEN)
        if found := self.sources.first(*patterns):
            self.reasons.note(
                "address", found.value, "nobody outside of the container reaches it: listen on "
                "0.0.0.0", found.file, line=found.line, doubtful=True,
            )  # fmt: skip
