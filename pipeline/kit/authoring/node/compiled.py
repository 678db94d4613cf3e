"""What a build makes of the code: which JavaScript comes out of which TypeScript."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.node.package import Package
from pipeline.kit.authoring.tree import Tree

BUILD_SCRIPTS = ("build", "build:prod", "build:production", "compile", "heroku-postbuild",
                 "docs:build")  # fmt: skip
_OUTPUT = re.compile(r"(?:--out-?file|-o)[= ](?:\./)?(\S+\.[cm]?js)\b")
_FOLDER = re.compile(r"(?:--out-?[dD]ir|--out-dir|-d)[= ](?:\./)?([\w./-]+)")
_MADE_FOLDERS = ("dist", "build", "lib", "out", ".output", "output", "bin", "server-dist", "prod")
_CODE = re.compile(r"^node\s+(?:--?[\w-]+(?:=\S+)?\s+|-r\s+\S+\s+|--(?:require|import)\s+\S+\s+)*"
                   r"(\S+)")  # fmt: skip


@dataclass(frozen=True)
class Compiled:
    tree: Tree
    package: Package

    @property
    def script(self) -> str | None:
        """The script that builds."""
        return next((name for name in BUILD_SCRIPTS if name in self.package.scripts), None)

    @property
    def with_tsc(self) -> bool:
        """Without a script, ``tsc`` is one if it is told where to put what it makes."""
        return bool(self.package.has("typescript")) and self._option("outDir") is not None

    @cached_property
    def _tsconfig(self) -> str:
        place = f"{self.package.folder}/" if self.package.folder else ""
        names = ("tsconfig.build.json", "tsconfig.json")
        texts = (self.tree.read(f"{place}{name}") for name in names)
        return "\n".join(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE) for text in texts)

    def _option(self, name: str) -> str | None:
        if found := re.search(rf"\"{name}\"\s*:\s*\"([^\"]+)\"", self._tsconfig):
            return posixpath.normpath(found[1])
        return None

    def output(self, source: str) -> str | None:
        """The JavaScript that ``source`` becomes; None when nothing tells, or nothing compiles."""
        source = posixpath.normpath(source)
        if source in (".", "src"):
            source = "src/index.ts"
        script = self.package.scripts.get(self.script, "") if self.script else ""
        if not script and not self.with_tsc:
            return None
        if said := _OUTPUT.search(script):
            return said[1]
        if self.package.main and self.makes(self.package.main):
            return self.package.main
        made = re.sub(r"\.([cm]?)ts$", r".\1js", source)
        if "tsup" in script:
            end = "cjs" if self.package.is_module and "esm" not in self._tsup else "js"
            return f"dist/{posixpath.basename(made).rpartition('.')[0]}.{end}"
        said = _FOLDER.search(script)
        folder = said[1].rstrip("/") if said else self._option("outDir")
        if folder is None:
            return "dist/main.js" if "nest build" in script else None
        root = self._option("rootDir") or ("src" if made.startswith("src/") else ".")
        return posixpath.join(folder, posixpath.relpath(made, root))

    @property
    def _tsup(self) -> str:
        texts = [self.tree.read(f"tsup.config.{end}") for end in ("ts", "js", "mjs")]
        return "\n".join([*texts, *self.package.scripts.values()])

    def makes(self, file: str) -> bool:
        """Is a missing file likely one that the build makes?"""
        if not (self.script or self.with_tsc):
            return False
        file = posixpath.normpath(file)
        place = f"{self.package.folder}/" if self.package.folder else ""
        top = file.split("/")[0]
        if "/" not in file:
            stem = file.rpartition(".")[0] or file
            beside = any(self.tree.has(f"{place}{stem}.{end}") for end in ("ts", "mts", "tsx"))
            return beside or top in _MADE_FOLDERS or "." not in file
        known = any(path.startswith(f"{place}{top}/") for path in self.tree.files)
        return not known or top in _MADE_FOLDERS

    def check(self, command: str, builds: Sequence[str], where: Location) -> None:
        """Raises ``StageFailed`` when ``command`` runs a file that is neither there nor made."""
        found = _CODE.match(command)
        if (
            found is None
            or found[1].startswith(("-", "/", "$", '"'))
            or re.search(r"[;|&]", command)
        ):
            return
        place = f"{self.package.folder}/" if self.package.folder else ""
        file = posixpath.normpath(found[1])
        base = "" if file == "." else file
        there = (base, f"{base}.js", f"{base}.cjs", f"{base}.mjs", f"{base}.json",
                 posixpath.join(base, "index.js"), posixpath.join(base, "index.mjs"))  # fmt: skip
        if file == "." or self.tree.first(*(f"{place}{each}" for each in there)):
            return
        if file.startswith("..") or file.count("/") > 3 or file.startswith("node_modules/"):
            return
        if builds or self.makes(file) or file.split("/")[0].startswith("."):
            return
        near = [path for path in self.tree.files if path.endswith((".js", ".mjs", ".cjs", ".ts"))
                and path.count("/") < 3]  # fmt: skip
        raise StageFailed(
            f"`{command}` starts {found[1]}, which is not there, and no build makes it",
            hint=(f"There is {', '.join(near[:5])}. " if near else "")
            + "Mend it there, or say it in pipeline.yml: `dockerfile: {start: …}`.",
            where=where,
        )
