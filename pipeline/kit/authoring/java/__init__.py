"""Dockerfiles for Java and Kotlin."""

from __future__ import annotations

from pipeline.kit.authoring.contract import Authored, Reason, Wishes
from pipeline.kit.authoring.tree import Tree

POM = "pom.xml"
GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")


class Java:
    name = "Java"
    key = "java"
    looks_for = (POM, *GRADLE)

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.java:
            return Reason("language", self.name, "asked for by `java:`", "pipeline.yml")
        if known := tree.first(*self.looks_for):
            return Reason("language", self.name, "there is such a file", known)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        from pipeline.kit.authoring.java import author  # only when it is needed

        return author.author(tree, wishes)
