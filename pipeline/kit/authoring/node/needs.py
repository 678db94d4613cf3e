"""What an install of packages needs, and what the app needs of it when it runs."""

from __future__ import annotations

import re

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.node.frameworks import Result
from pipeline.kit.authoring.node.managers import Manager
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.node.start import Start
from pipeline.kit.authoring.node.workspace import Workspace

_COMPILED = ("better-sqlite3", "sqlite3", "node-sass", "serialport", "re2", "leveldown", "kerberos",
             "cpu-features", "isolated-vm", "farmhash", "libpq", "pg-native", "usb", "zeromq",
             "robotjs", "deasync", "node-gyp", "couchbase", "integer")  # fmt: skip
_AT_RUN_TIME = {"prisma": ("ca-certificates", "openssl"), "@prisma/client": ("ca-certificates",
                "openssl"), "pg-native": ("libpq5",), "libpq": ("libpq5",)}  # fmt: skip
AT_BUILD_TIME = {"pg-native": ("libpq-dev",), "libpq": ("libpq-dev",)}
FOR_DEVELOPERS = re.compile(
    r"^(?:npx\s+)?(?:husky|only-allow|simple-git-hooks|lefthook|nuxi?\s+prepare|svelte-kit\s+sync|"
    r"is-ci|git config|pnpm dlx only-allow|npx --yes only-allow|nuxt prepare)\b"
)
_GENERATES = ("prisma", "@prisma/client")
"""Packages that write code of the project's own into node_modules."""


def runs_code(workspace: Workspace, package: Package, reasons: Reasons) -> bool:
    """Does an install run code of the project's own, so that it has to be there?"""
    root = workspace.root
    if generating := package.has(*_GENERATES):
        because = f"{generating} makes code of the project's own"
        reasons.note("dependencies", "with the code", because, FILE)
        return True
    script = root.own_install_script
    if script is None or FOR_DEVELOPERS.match(root.scripts[script]):
        return False
    reasons.note("dependencies", "with the code", "an install script needs it", FILE,
                 line=root.line_of(script))  # fmt: skip
    return True


class Needs:
    """``code``: an install runs code of the project; ``builds``: is there anything to build?"""

    def __init__(
        self, workspace: Workspace, package: Package, manager: Manager, base: str, reasons: Reasons,
        *, result: Result | None, start: Start | None, code: bool, builds: bool,
    ) -> None:  # fmt: skip
        self.workspace = workspace
        self.package = package
        self.manager = manager
        self.reasons = reasons
        self.result = result
        self.start = start
        self.builds = builds
        self.bun = base.startswith("oven/")
        self.code = code
        self.compiled = package.has(*_COMPILED)
        if self.compiled:
            reasons.note("system packages", "g++, make, python3", f"{self.compiled} is compiled",
                         package.file)  # fmt: skip
        self.keeps_tools = self._keeps_tools()

    @property
    def whole(self) -> bool:
        """Does one stage do everything?"""
        return self.code and bool(self.builds or self.foreign)

    @property
    def foreign(self) -> bool:
        """Does an install need what the last stage is not to have?"""
        return bool((self.manager.tool and not self.bun) or self.compiled)

    @property
    def at_run_time(self) -> set[str]:
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
