"""What pom.xml says, of one module or of several."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.java import POM
from pipeline.kit.authoring.tree import Tree

_PROPERTY = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Pom:
    """One pom.xml. Raises ``StageFailed`` from every property when it is broken."""

    tree: Tree
    folder: str = ""

    @property
    def path(self) -> str:
        return posixpath.join(self.folder, POM)

    @cached_property
    def root(self) -> ElementTree.Element:
        try:
            # The user's own file, and expat bounds what entities can grow to.
            root = ElementTree.fromstring(self.tree.read(self.path))  # noqa: S314
        except ElementTree.ParseError as error:
            raise StageFailed(
                f"{self.path} cannot be read: {error}",
                hint="Mend the file; a Dockerfile cannot be made from what it does not say.",
                where=Location(self.path, error.position[0]),
            ) from error
        for element in root.iter():  # with Maven's namespace or without: it is the same to Maven
            element.tag = element.tag.rpartition("}")[2]
        return root

    def text(self, path: str) -> str:
        """The text at an ElementTree ``path``, with the file's own properties filled in."""
        found = (self.root.findtext(path) or "").strip()
        for _ in range(4):
            found = _PROPERTY.sub(lambda match: self.setting(match[1]), found)
        return found

    def setting(self, name: str) -> str:
        properties = self.root.find("properties")
        found = properties.find(name) if properties is not None else None
        return (found.text or "").strip() if found is not None else ""

    def first(self, *names: str) -> str:
        """The first of these properties that has a value."""
        return next((value for name in names if (value := self._resolved(name))), "")

    def _resolved(self, name: str) -> str:
        return _PROPERTY.sub(lambda match: self.setting(match[1]), self.setting(name))

    @cached_property
    def plugins(self) -> frozenset[str]:
        """Artifact ids of the plug-ins that take part in the build, profiles included."""
        managed = set(self.root.findall(".//pluginManagement//plugin"))
        plugins = [each for each in self.root.findall(".//plugin") if each not in managed]
        return frozenset((plugin.findtext("artifactId") or "").strip() for plugin in plugins)

    @cached_property
    def dependencies(self) -> frozenset[str]:
        found = self.root.findall("./dependencies/dependency/artifactId")
        return frozenset((each.text or "").strip() for each in found)

    @cached_property
    def modules(self) -> tuple[Pom, ...]:
        """Those below that are there, and those below them."""
        return tuple(self._below())

    def _below(self) -> Iterator[Pom]:
        for module in self.root.findall("./modules/module"):
            folder = posixpath.normpath(posixpath.join(self.folder, (module.text or "").strip()))
            if self.tree.has(posixpath.join(folder, POM)):
                below = Pom(self.tree, folder)
                yield below
                yield from below.modules

    @property
    def packaging(self) -> str:
        return self.text("packaging") or "jar"

    def main_class(self) -> str:
        """The class that the file names as the one to start."""
        named = self.first("start-class", "exec.mainClass", "mainClass", "main.class")
        return named or self.text(".//mainClass")

    def spring_boot(self) -> str:
        """The version of Spring Boot, as far as it is told; empty if it is not."""
        if self.text("parent/artifactId") == "spring-boot-starter-parent":
            return self.text("parent/version")
        for dependency in self.root.findall(".//dependency"):
            if (dependency.findtext("artifactId") or "").strip() == "spring-boot-dependencies":
                version = (dependency.findtext("version") or "").strip()
                return _PROPERTY.sub(lambda match: self.setting(match[1]), version)
        return self.first("spring-boot.version")
