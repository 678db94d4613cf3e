"""Builds with Maven, by its wrapper where there is one."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from functools import cached_property

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.java import POM, code, program
from pipeline.kit.authoring.java.pom import Pom
from pipeline.kit.authoring.java.program import Jar, Program
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_CACHE = "/root/.m2"
_WRAPPER = ".mvn/wrapper/maven-wrapper.properties"
_BESIDE = {
    "maven-source-plugin": "*-sources.jar",
    "maven-javadoc-plugin": "*-javadoc.jar",
    "maven-shade-plugin": "original-*.jar",
}
"""Plug-in → what else it leaves beside the app's jar."""
_APP_PLUGINS = frozenset({"spring-boot-maven-plugin", "quarkus-maven-plugin", "exec-maven-plugin"})


class Maven:
    """What ``java`` needs to know of a build tool; Gradle's is the same."""

    def __init__(self, tree: Tree, reasons: Reasons) -> None:
        self.tree = tree
        self.reasons = reasons
        self.top = Pom(tree)
        self.app = self._app()
        self.sources = code.sources(tree, self.app.folder)
        wrapped = tree.has("mvnw") and tree.has(_WRAPPER)
        self.command = "sh mvnw" if wrapped else "mvn"
        reasons.note("build", self.command, "there is a wrapper" if wrapped else "there is no "
                     "wrapper, so the newest Maven 3", _WRAPPER if wrapped else POM)  # fmt: skip

    def _app(self) -> Pom:
        """The module that is the app.

        Raises:
            StageFailed: it cannot be told.
        """
        if self.top.packaging != "pom" or not self.top.modules:
            return self.top
        modules = [each for each in self.top.modules if each.packaging != "pom"]
        by_plugin = [each for each in modules if each.plugins & _APP_PLUGINS]
        listening = [
            each for each in modules if code.sources(self.tree, each.folder).has(code.LISTENS)
        ]
        for few in (by_plugin, listening, modules):
            if len(few) == 1:
                self.reasons.note("module", few[0].folder, "it is the app", few[0].path)
                return few[0]
        names = ", ".join(each.folder for each in modules)
        raise StageFailed(
            f"this is Java, and it cannot be told which module is the app: {names}",
            hint="Give only the app's module the plug-in that packs it, such as "
            "spring-boot-maven-plugin.",
            where=Location(POM),
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Of dependencies and plug-ins, of the app and of what it inherits from."""
        inherited = self.top.plugins | self.top.dependencies
        return self.app.dependencies | self.app.plugins | inherited

    def image(self, version: str) -> str:
        return f"maven:3-eclipse-temurin-{version}"

    def program(self, options: Sequence[str], *, port: bool) -> Program:
        """How the app is packed and started.

        Raises:
            StageFailed: it is no program, or nothing tells its main class.
        """
        folder = posixpath.join(self.app.folder, "target")
        if "spring-boot-maven-plugin" in self.names:
            version = self.app.spring_boot() or self.top.spring_boot()
            self.reasons.note("framework", f"Spring Boot {version}".strip(), "its plug-in", POM)
            return program.spring_boot(self._packed(folder), version, port)
        if "quarkus-maven-plugin" in self.names:
            self.reasons.note("framework", "Quarkus", "its plug-in", self.app.path)
            return program.quarkus(folder, port)
        if self.app.packaging == "war":
            raise StageFailed(
                f"{self.app.path} makes a war, which needs an application server around it",
                hint="Make it a program (Spring Boot, an embedded Tomcat or Jetty), or write a "
                "Dockerfile from the server's own image.",
            )
        named = self.app.text(".//mainClass")
        if "maven-shade-plugin" in self.names and named:
            self.reasons.note("program", "one jar", "maven-shade-plugin packs it", self.app.path)
            return program.fat_jar(self._packed(folder), options)
        if "maven-assembly-plugin" in self.names and named:
            self.reasons.note("program", "one jar", "maven-assembly-plugin packs it", self.app.path)
            return program.fat_jar(Jar(folder, "-with-dependencies.jar"), options)
        main = self.app.main_class() or self.top.main_class()
        if main:
            self.reasons.note("main class", main, "it is named there", self.app.path)
        else:
            main = code.main_class(self.sources, self.reasons)
        return program.class_path(self._packed(folder), main, options)

    def _packed(self, folder: str) -> Jar:
        beside = tuple(pattern for name, pattern in _BESIDE.items() if name in self.names)
        return Jar(folder, ".war" if self.app.packaging == "war" else ".jar", beside)

    def stage(self, made: Program) -> list[list[m.Item]]:
        """What follows FROM: dependencies, then the build."""
        one = not self.top.modules
        goal = " ".join(["package", *made.goals])
        module = f" --projects {self.app.folder} --also-make" if self.app.folder else ""
        maven = f"{self.command} --batch-mode --no-transfer-progress"
        build = f"{maven} -Dmaven.test.skip=true{module} {goal}"
        first: list[m.Item] = []
        if one:
            settings = any(path.startswith(".mvn/") for path in self.tree.files)
            wrapper = [m.Copy((".mvn",), "./.mvn")] if settings else []
            mvnw = ["mvnw"] if self.command != "mvn" else []
            first = [
                *blocks.comment(parts.DEPENDENCIES_FIRST),
                m.Copy((*mvnw, POM), "./"),
                *wrapper,
                blocks.run(f"{maven} dependency:go-offline", caches=[_CACHE]),
            ]
        else:
            because = "modules that depend on each other can only be resolved when they are built"
            self.reasons.note("dependencies", "from the cache", because, POM)
        return [
            [m.Workdir("/src"), *first],
            [parts.code(), blocks.run(build, *made.pack, caches=[_CACHE])],
        ]
