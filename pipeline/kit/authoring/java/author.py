"""Dockerfiles for Java and Kotlin: built by Maven or Gradle, run without a compiler."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reasons, Wishes
from pipeline.kit.authoring.java import GRADLE, POM, code, version
from pipeline.kit.authoring.java.gradle import Gradle
from pipeline.kit.authoring.java.maven import Maven
from pipeline.kit.authoring.sources import Found
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_USUAL = 8080
_WEB = ("web", "webmvc", "webflux", "jersey", "graphql", "data-rest", "hateoas", "tomcat", "jetty")
_LISTENING = frozenset({
    *(f"spring-boot-starter-{name}" for name in _WEB), "quarkus-rest", "quarkus-resteasy",
    "quarkus-resteasy-reactive", "quarkus-rest-jackson", "micronaut-http-server-netty", "javalin",
    "spark-core", "ktor-server-netty", "ktor-server-netty-jvm", "jetty-server", "undertow-core",
    "vertx-web",
})  # fmt: skip
_HEALTH = {
    "spring-boot-starter-actuator": "/actuator/health",
    "quarkus-smallrye-health": "/q/health",
    "micronaut-management": "/health",
}


def author(tree: Tree, wishes: Wishes) -> Authored:
    """The Dockerfile for an app that was recognised."""
    return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.version = version.choose(tree, wishes, self.reasons)
        self.tool = self._tool()
        listens = self.tool.names & _LISTENING or self.tool.sources.has(code.LISTENS)
        said = starting.said(tree, wishes, self.reasons)
        self.port = None
        if wishes.port or (listens and (said is None or said.listens)):
            self.port = starting.port(
                self.tool.sources, wishes, self.reasons, command=said.command if said else "",
                patterns=code.PORT, usual=_USUAL,
            )  # fmt: skip
        self.program = self.tool.program(self._options(), port=self.port is not None)
        # A Procfile names the jar where Heroku's build leaves it: it is not there.
        self.command = wishes.start or self.program.command

    def _tool(self) -> Maven | Gradle:
        if self.tree.has(POM):
            if other := self.tree.first(*GRADLE):
                because = f"{POM} is there too, and wins"
                self.reasons.note("build", "Maven", because, other, doubtful=True)
            return Maven(self.tree, self.reasons)
        if self.tree.first(*GRADLE):
            return Gradle(self.tree, self.reasons)
        raise StageFailed(
            "this is Java, but there is nothing to build it with",
            hint="Add a pom.xml, or a build.gradle; `mvn archetype:generate` and `gradle init` "
            "make one.",
        )

    def _options(self) -> Sequence[str]:
        """For servers that take their port from a property of the machine."""
        if any(name.startswith("micronaut") for name in self.tool.names):
            return ("-Dmicronaut.server.port=${PORT}",)
        return ()

    def author(self) -> Authored:
        items = blocks.paragraphs(
            [m.From(self.tool.image(self.version), "build")],
            *self.tool.stage(self.program),
            [m.From(f"eclipse-temurin:{self.version}-jre")],
            [blocks.env({"PORT": self.port})] if self.port is not None else [],
            blocks.apt(self.wishes.packages, "System packages that the app needs."),
            parts.user(),
            [parts.from_build(f"/out/{path}", to) for path, to in self.program.layers],
            self._run(),
        )
        return Authored("Java", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _run(self) -> list[m.Item]:
        items = parts.ending(parts.UID, self.port, self.command, self._health())
        if any("${PORT}" in word for word in self.command) and not self.wishes.start:
            note = blocks.comment("No shell: the framework itself puts the variable in.")
            return [*items[:-1], *note, items[-1]]
        return items

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        known = next((name for name in _HEALTH if name in self.tool.names), None)
        route = self.tool.sources.health_route()
        if known:
            route = Found(_HEALTH[known], self.tool.sources.files[0], 1)
            self.reasons.note("health", route.value, f"{known} answers there")
            return probes.bash(route.value)
        return probes.choose(probes.bash, route, self.reasons)
