"""Dockerfiles for Go."""

from __future__ import annotations

from pipeline.kit.authoring.contract import Authored, Reason, Wishes
from pipeline.kit.authoring.tree import Tree


class Go:
    name = "Go"
    key = "go"
    looks_for = ("go.mod", "go.work", "*.go")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.go:
            return Reason("language", self.name, "asked for by `go:`", "pipeline.yml")
        if known := tree.first("go.mod", "go.work"):
            return Reason("language", self.name, "there is such a file", known)
        if file := next(iter(tree.matching("*.go")), None):
            return Reason("language", self.name, "there is a source file", file, doubtful=True)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        from pipeline.kit.authoring.go import author  # only when it is needed

        return author.author(tree, wishes)
