"""Builds with Gradle, by its wrapper where there is one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from functools import cached_property

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.java import GRADLE, code, program
from pipeline.kit.authoring.java.program import Jar, Program
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_HOME = "/gradle"
_WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
_NAMES = re.compile(r"(?<=[\"'(:])(?P<name>[a-z][\w.-]*)(?=[\"':)])")
_BOOT = re.compile(r"org\.springframework\.boot[\"')]*\s*(?:version\s*)?[\"'(]*\s*[\"']?(\d+\.\d+)")
_BOOT_CATALOG = re.compile(r"^spring-?boot\s*=\s*\"(\d+\.\d+)", re.MULTILINE | re.IGNORECASE)
_MAIN = re.compile(r"mainClass(?:Name)?\s*(?:=|\.set\()\s*[\"']([\w.]+)[\"']")
_APPLICATION = re.compile(
    r"id[ (][\"'](?:application|io\.ktor\.plugin|io\.micronaut\.application)[\"']"
    r"|^\s*application\s*$|apply plugin:\s*[\"']application[\"']|alias\(libs\.plugins\.ktor\)",
    re.MULTILINE,
)
_PACKS = re.compile(
    r"org\.springframework\.boot|io\.quarkus|shadow|" + _APPLICATION.pattern, re.MULTILINE
)


class Gradle:
    """What ``java`` needs to know of a build tool; Maven's is the same."""

    def __init__(self, tree: Tree, reasons: Reasons) -> None:
        self.tree = tree
        self.reasons = reasons
        self.file = self._app()
        self.folder = posixpath.dirname(self.file)
        self.text = tree.read(self.file)
        self.sources = code.sources(tree, self.folder)
        wrapped = tree.has("gradlew") and tree.has(_WRAPPER)
        self.command = "sh gradlew" if wrapped else "gradle"
        because = "there is a wrapper" if wrapped else "there is no wrapper, so a current Gradle"
        where = _WRAPPER if wrapped else self.file
        reasons.note("build", self.command, because, where, doubtful=not wrapped)

    @cached_property
    def builds(self) -> list[str]:
        """Build files of all projects, the top one first."""
        return [path for path in self.tree.files if path.endswith(GRADLE[:2])]

    def _app(self) -> str:
        packing = [path for path in self.builds if _PACKS.search(self.tree.read(path))]
        listening = [
            path
            for path in packing
            if code.sources(self.tree, posixpath.dirname(path)).has(code.LISTENS)
        ]
        for few in (packing, listening, self.builds):
            if len(few) == 1:
                return few[0]
        names = ", ".join(posixpath.dirname(path) or "." for path in self.builds)
        raise StageFailed(
            f"this is Java, and it cannot be told which project is the app: {names or 'none'}",
            hint="Give only the app's project the plug-in that packs it, such as `application`.",
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """What looks like the name of a dependency or a plug-in."""
        catalog = self.tree.read("gradle/libs.versions.toml")
        return frozenset(match["name"] for match in _NAMES.finditer(self.text + catalog))

    def image(self, version: str) -> str:
        if self.command != "gradle":
            return f"eclipse-temurin:{version}-jdk"
        return f"gradle:{'9' if int(version) > 24 else '8'}-jdk{version}"

    def _has(self, folder: str) -> bool:
        return any(path.startswith(folder) for path in self.tree.files)

    @property
    def task(self) -> str:
        task = "installDist"
        if "org.springframework.boot" in self.text or "spring.boot" in self.text:
            task = "bootJar"
        elif "io.quarkus" in self.text:
            task = "quarkusBuild"
        elif not _APPLICATION.search(self.text) and "shadow" in self.text:
            task = "shadowJar"
        project = self.folder.replace("/", ":")
        return f":{project}:{task}" if project else task

    def program(self, options: Sequence[str], *, port: bool) -> Program:
        """How the app is packed and started.

        Raises:
            StageFailed: it is no program, or nothing tells its main class.
        """
        folder = posixpath.join(self.folder, "build")
        match self.task.rpartition(":")[2]:
            case "bootJar":
                self.reasons.note("framework", "Spring Boot", "its plug-in", self.file)
                packed = Jar(f"{folder}/libs", beside=("*-plain.jar",))
                return program.spring_boot(packed, self._boot(), port)
            case "quarkusBuild":
                self.reasons.note("framework", "Quarkus", "its plug-in", self.file)
                return program.quarkus(folder, port)
            case "shadowJar":
                return program.fat_jar(Jar(f"{folder}/libs", "-all.jar"), options)
        if not _APPLICATION.search(self.text):
            raise StageFailed(
                f"{self.file} does not make a program",
                hint="Apply Gradle's plug-in `application` and name the mainClass.",
            )
        if named := _MAIN.search(self.text):
            self.reasons.note("main class", named[1], "it is named there", self.file)
            return program.install_dist(folder, named[1], options)
        return program.install_dist(folder, code.main_class(self.sources, self.reasons), options)

    def _boot(self) -> str:
        catalog = _BOOT_CATALOG.search(self.tree.read("gradle/libs.versions.toml"))
        found = _BOOT.search(self.text) or catalog
        return found[1] if found else ""

    def stage(self, made: Program) -> list[list[m.Item]]:
        """What follows FROM: dependencies, then the build."""
        gradle = f"{self.command} --no-daemon"
        first: list[m.Item] = []
        if len(self.builds) == 1 and not self.folder:
            top = [path for path in (*GRADLE, "gradle.properties") if self.tree.has(path)]
            folder = [m.Copy(("gradle",), "./gradle")] if self._has("gradle/") else []
            wrapper = ["gradlew"] if self.command != "gradle" else []
            first = [
                *blocks.comment(parts.DEPENDENCIES_FIRST),
                m.Copy((*wrapper, *top), "./"),
                *folder,
                blocks.run(f"{gradle} --quiet dependencies", caches=[_HOME]),
            ]
        return [
            [blocks.env({"GRADLE_USER_HOME": _HOME}), m.Workdir("/src"), *first],
            [parts.code(), blocks.run(f"{gradle} {self.task}", *made.pack, caches=[_HOME])],
        ]
