"""npm, Yarn, pnpm and Bun: which one the project uses, and what it is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.tree import Tree

_LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
"""Best first: npm's file is also made by whoever once types ``npm install`` out of habit."""
_SIGNS = {"pnpm-workspace.yaml": "pnpm", ".yarnrc.yml": "yarn", ".yarnrc": "yarn",
          "bunfig.toml": "bun"}  # fmt: skip
_BESIDE = (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs",
           "bunfig.toml")  # fmt: skip
_QUIET = "--no-audit --no-fund"
_RUNS_SCRIPTS = 22
"""The first major version of Node.js with ``--run``."""


@dataclass(frozen=True)
class Manager:
    """``yarn`` is the classic one, ``berry`` everything after."""

    name: str
    lock: str | None
    files: tuple[str, ...]
    """What an install reads besides package.json."""
    tool: str = ""
    """What npm is asked for to have it; empty for npm."""
    environment: Mapping[str, str] = field(default_factory=dict)
    focuses: bool = True
    """Berry can leave tools out."""

    @property
    def cache(self) -> str:
        return {
            "npm": "/root/.npm", "yarn": "/usr/local/share/.cache", "pnpm": "/root/.pnpm-store",
            "berry": "/root/.yarn/berry", "bun": "/root/.bun/install/cache",
        }[self.name]  # fmt: skip

    def install(self, *, production: bool) -> str:
        """Install what the lock file has, without tools for ``production``."""
        match self.name:
            case "npm":
                verb = "ci" if self.lock else "install"
                return f"npm {verb}{' --omit=dev' * production} {_QUIET}"
            case "yarn":
                frozen = " --frozen-lockfile" if self.lock else ""
                return f"yarn install{frozen} --non-interactive{' --production' * production}"
            case "berry":
                if production and self.focuses:
                    return "yarn workspaces focus --all --production"
                return f"yarn install{' --immutable' if self.lock else ''}"
            case "pnpm":
                frozen = " --frozen-lockfile" if self.lock else " --no-frozen-lockfile"
                return f"pnpm install{frozen}{' --prod' * production} --store-dir={self.cache}"
            case _:
                frozen = " --frozen-lockfile" if self.lock else ""
                return f"bun install{frozen}{' --production' * production}"

    def prune(self) -> str:
        """Take the tools out again, without running scripts a second time."""
        match self.name:
            case "npm":
                return f"npm prune --omit=dev {_QUIET}"
            case "berry":
                return self.install(production=True)
            case "bun":
                return "rm -rf node_modules && bun install --production --ignore-scripts"
            case "pnpm":
                return f"CI=true {self.install(production=True)} --ignore-scripts"
            case _:
                return f"{self.install(production=True)} --ignore-scripts"

    def run(self, script: str, package: Package, node: str = "") -> str:
        """Run a script of a package in its own folder; without the manager where it adds nothing
        but half a second, if ``node`` is a version that can."""
        runner = "yarn" if self.name == "berry" else self.name
        alone = self.name in ("npm", "pnpm", "yarn") and _runs_alone(script, package)
        able = node.isdigit() and int(node) >= _RUNS_SCRIPTS
        return f"node --run {script}" if alone and able else f"{runner} run {script}"

    def builds(self, packages: Sequence[Package]) -> list[str]:
        """What builds those members of a workspace that are built, from its top."""
        return [self._of_member("build", each) for each in packages if "build" in each.scripts]

    def _of_member(self, script: str, package: Package) -> str:
        match self.name:
            case "npm":
                return f"npm run {script} --workspace={package.folder}"
            case "pnpm":
                return f"pnpm --dir {package.folder} run {script}"
            case "bun":
                return f"bun run --cwd {package.folder} {script}"
            case _:
                return f"yarn --cwd {package.folder} run {script}"


def _runs_alone(script: str, package: Package) -> bool:
    """Has it no hooks, and does it use nothing that a manager tells its scripts?"""
    hooks = {f"pre{script}", f"post{script}"} & package.scripts.keys()
    return not hooks and "npm_" not in package.scripts[script]


def choose(tree: Tree, package: Package, reasons: Reasons, *, bun: bool = False) -> Manager:
    """The one that ``packageManager`` names, else that of the first lock file that has all that
    package.json asks for. Which files were passed over is told. ``bun``: it is what the app runs
    on, and its image has no other.

    Raises:
        StageFailed: package.json is broken.
    """
    there = [file for file in _LOCKS if tree.has(file)]
    named, version = ("bun", "") if bun and package.manager[0] != "bun" else package.manager
    signs = [name for file, name in _SIGNS.items() if tree.has(file)]

    def rank(file: str) -> tuple[bool, bool, bool]:
        name = _LOCKS[file]
        return name != named, _missing(tree, file, package) is not None, name not in signs

    ordered = sorted(there, key=rank)
    lock = ordered[0] if ordered and (not named or _LOCKS[ordered[0]] == named) else None
    name = _LOCKS[lock] if lock else named or next(iter(signs), "npm")
    found = _manager(tree, name, version, lock)
    _tell(tree, package, found, [file for file in ordered if file != lock], reasons)
    return found


def _tell(
    tree: Tree, package: Package, found: Manager, others: list[str], reasons: Reasons
) -> None:
    command = found.install(production=True)
    if not tree.has(FILE):
        reasons.note("dependencies", "none", "there is no package.json")
    elif found.lock is None:
        because = "there is no lock file, so versions may differ from build to build"
        reasons.note("dependencies", command, because, FILE, doubtful=True)
    else:
        reasons.note("dependencies", command, "exactly what the lock file has", found.lock)
        if missing := _missing(tree, found.lock, package):
            reasons.note(
                "dependencies", "out of date", f"{missing} is not in it: install and commit the "
                "lock file, or the build will refuse it", found.lock, doubtful=True,
            )  # fmt: skip
    for other in others:
        because = _why_not(tree, package, found, other)
        reasons.note("dependencies", f"{other} is not used", because, other, doubtful=True)


def _why_not(tree: Tree, package: Package, found: Manager, other: str) -> str:
    """Why another lock file than ``other`` won."""
    if named := package.manager[0]:
        return f"packageManager names {named}"
    won = f"{found.lock or found.name} is"
    if missing := _missing(tree, other, package):
        return f"{won}, and {missing} is not in this one"
    if sign := next((file for file, name in _SIGNS.items() if tree.has(file) and (
        name == found.name or (name, found.name) == ("yarn", "berry")
    )), None):  # fmt: skip
        return f"{won}, and {sign} goes with it"
    if _LOCKS[other] == "npm":
        return f"{won}; npm's is also made by whoever types `npm install` once"
    return f"{won}, and both have all that package.json asks for"


def _missing(tree: Tree, lock: str, package: Package) -> str | None:
    """A package that is asked for and not in the lock file."""
    text = tree.read(lock)
    if not text:
        return None  # binary, or too large to be read
    asked = [*package.dependencies, *package.tools]
    return next((name for name in asked if name not in text), None)


def _manager(tree: Tree, name: str, version: str, lock: str | None) -> Manager:
    text = tree.read(lock) if lock else ""
    files = [file for file in (lock, *_BESIDE) if file and tree.has(file)]
    files += [path for path in tree.files if path.startswith("patches/")]
    match name:
        case "pnpm":
            asked = re.search(r"lockfileVersion: '?(\d+)", text)
            default = {"5": "7", "6": "8"}.get(asked[1] if asked else "", "9")
            return Manager("pnpm", lock, tuple(files), f"pnpm@{version or default}")
        case "bun":
            return Manager("bun", lock, tuple(files), f"bun@{version or 1}")
        case "yarn" if _is_berry(tree, text, version):
            return _berry(tree, text, version, lock, files)
        case "yarn":
            return Manager("yarn", lock, tuple(files), f"yarn@{version or 1}")
    return Manager("npm", lock, tuple(files))


def _is_berry(tree: Tree, lock: str, version: str) -> bool:
    if lock:
        return "__metadata:" in lock
    return tree.has(".yarnrc.yml") or (version != "" and not version.startswith("1."))


def _berry(tree: Tree, text: str, version: str, lock: str | None, files: list[str]) -> Manager:
    wrote = re.search(r"__metadata:\n\s+version: (\d+)", text)
    major = "4" if not wrote or int(wrote[1]) >= 8 else "3"
    own = [path for path in tree.files if path.startswith((".yarn/releases/", ".yarn/plugins/",
                                                          ".yarn/patches/"))]  # fmt: skip
    major = version.partition(".")[0] or major
    focuses = int(major) >= 4 or any("workspace-tools" in path for path in own)
    environment = {"YARN_NODE_LINKER": "node-modules", "YARN_ENABLE_GLOBAL_CACHE": "true",
                   "YARN_ENABLE_TELEMETRY": "0"}  # fmt: skip
    return Manager(
        "berry", lock, (*files, *own), f"@yarnpkg/cli-dist@{version or major}", environment, focuses
    )
