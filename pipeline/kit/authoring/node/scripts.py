"""What scripts of package.json come down to, and which of them are only for development."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from pipeline.kit.authoring.node.package import Package

_CALLS = re.compile(
    r"^(?:npm(?:\s+run(?:-script)?)?|yarn(?:\s+run)?|pnpm(?:\s+run)?|bun\s+run)\s+"
    r"(?:--\s+)?([\w:.-]+)\s*$"
)
_ENVIRONMENT = re.compile(r"^(?:npx\s+)?cross-env(?:-shell)?\s+|^env\s+")
_RUNS_PACKAGE = re.compile(
    r"^(?:npx(?:\s+--yes|\s+-y)?|yarn\s+(?:dlx|exec)|pnpm\s+(?:exec|dlx)|bunx(?:\s+--bun)?)\s+"
)
_ASSIGNED = re.compile(r"^((?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|\S*)\s+)+)")
_BUILDING = re.compile(
    r"\b(?:tsc|build|webpack|rollup|esbuild|tsup|swc|babel|compile|prisma generate)\b"
)
_DEVELOPMENT = re.compile(
    r"^(?:node_modules/\.bin/)?(?:vite(?!\s+build)\b|"
    r"(?:react-scripts|react-app-rewired|craco) start|"
    r"ng s(?:erve)?\b|vue-cli-service serve|webpack(?:-dev-server|\s+serve)|parcel(?!\s+build)|"
    r"next dev|next$|nuxi? dev|nuxt(?: dev)?$|astro (?:dev|preview)|remix (?:dev|vite:dev)|remix$|"
    r"react-router dev|gatsby (?:develop|serve)|docusaurus (?:start|serve)|"
    r"(?:@11ty/)?eleventy .*--(?:serve|watch)|"
    r"vitepress (?:dev|preview|serve)|nest start\b|vinxi dev|rsbuild (?:dev|preview)|hexo server|"
    r"snowpack dev|svelte-kit dev|serve\b|http-server\b|live-server\b|sirv\b|ws\b|browser-sync)"
)
_RUNNER = re.compile(
    r"^(?:nodemon\b.*?--exec\s+[\"']?)?(?:ts-node(?:-dev|-esm)?|tsx(?:\s+watch)?|esno|"
    r"node\s+(?:--(?:loader|import|require)[= ]\S+\s+|-r\s+\S+\s+|--[\w-]+(?:=\S+)?\s+)*"
    r"(?=\S+\.[cm]?ts\b)|nodemon|swc-node)\s+(?:-{1,2}[\w-]+(?:[= ](?!\S+\.[cm]?ts)\S+)?\s+)*"
    r"(\S+\.[cm]?ts|src/?|\.)(?=[\"'\s]|$)"
)

_FILE = re.compile(
    r"^(?:node|bun(?: run)?|tsx|ts-node)\s+(?:--?[\w-]+(?:=\S+)?\s+|-r\s+\S+\s+|"
    r"--(?:require|import|loader)\s+\S+\s+)*([^\s-]\S*)"
)


@dataclass(frozen=True)
class Script:
    """A command, with what was found of it on the way."""

    name: str
    command: str
    builds: tuple[str, ...] = ()
    """Commands before it that only build."""
    needs_npm: bool = False
    """It is several commands, or has others that go with it."""

    @property
    def is_development(self) -> bool:
        return bool(_DEVELOPMENT.match(without_variables(self.command)))

    @property
    def typescript(self) -> str | None:
        """The TypeScript file that a runner would start."""
        found = _RUNNER.match(without_variables(self.command))
        return found[1].strip("\"'") if found else None


def without_variables(command: str) -> str:
    return _ASSIGNED.sub("", command)


def find(package: Package, name: str) -> Script | None:
    """A script, followed through ``npm run other``; None when there is none of that name."""
    command = package.scripts.get(name, "").strip()
    return follow(package, name, command) if command else None


def follow(package: Package, name: str, command: str, seen: tuple[str, ...] = ()) -> Script:
    command = _ENVIRONMENT.sub("", command.strip())
    variables = _ASSIGNED.match(command)
    before = variables[1] if variables else ""
    command = _RUNS_PACKAGE.sub("", command.removeprefix(before))
    if (called := _CALLS.match(command)) and called[1] not in seen:
        if called[1] in package.scripts:
            inner = follow(package, called[1], package.scripts[called[1]], (*seen, name))
            return Script(inner.name, before + inner.command, inner.builds, inner.needs_npm)
        return Script(name, before + command)
    *first, last = [part.strip() for part in command.split("&&")]
    if first and all(_BUILDING.search(part) for part in first) and not re.search(r"[|;]", command):
        inner = follow(package, name, last, (*seen, name))
        return Script(inner.name, before + inner.command, tuple(first), inner.needs_npm)
    pre = f"pre{name}"
    builds: tuple[str, ...] = ()
    extra = {pre, f"post{name}"} & set(package.scripts)
    if extra == {pre} and _BUILDING.search(package.scripts[pre]):
        builds, extra = (package.scripts[pre],), set()
    many = bool(extra) or bool(re.search(r"[|&;]", command))
    return Script(name, before + command, builds, many)


def file(command: str) -> str | None:
    """The file that ``node`` is given, as it is written."""
    found = _FILE.match(command)
    return posixpath.normpath(found[1]) if found else None


def in_production(command: str) -> str:
    """Without what watches, debugs, or runs the app in the background, and without a file of
    variables: those are given when the container starts."""
    command = re.sub(r"\bnodemon\b.*?--exec\s+(?:\"([^\"]+)\"|'([^']+)'|)", r"\1\2", command)
    command = re.sub(r"\b(?:nodemon|node-dev)\s+(?=[^-])", "node ", command)
    command = re.sub(r"\bts-node-dev\b.*?(?=\S+\.ts)", "ts-node ", command)
    command = re.sub(r"\btsx watch\b", "tsx", command)
    command = re.sub(
        r"\bpm2(?:-runtime)?\s+start\s+(?=\S+\.[cm]?js\b)(?!ecosystem)", "node ", command
    )
    command = re.sub(r"\bpm2 start\b", "pm2-runtime start", command)
    flag = r"\s--(?:watch(?:-path)?|inspect(?:-brk)?|env-file(?:-if-exists)?)(?:=\S+)?(?=\s)"
    return re.sub(rf"\b(node|bun)(?:{flag})+", r"\1", command)


def missing(package: Package, command: str) -> str | None:
    """The script that a command runs and package.json does not have."""
    for part in re.split(r"&&|;|\|\|", command):
        found = re.match(r"(?:npm|pnpm|yarn|bun)\s+run\s+([\w:.-]+)", part.strip())
        # `bun run` takes files, too.
        if found and "." not in found[1] and found[1] not in package.scripts:
            return found[1]
    return None
