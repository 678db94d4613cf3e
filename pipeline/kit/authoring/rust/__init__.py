"""Dockerfiles for Rust."""

from __future__ import annotations

from pipeline.kit.authoring.contract import Authored, Reason, Wishes
from pipeline.kit.authoring.tree import Tree

FILE = "Cargo.toml"


class Rust:
    name = "Rust"
    key = "rust"
    looks_for = (FILE,)

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.rust:
            return Reason("language", self.name, "asked for by `rust:`", "pipeline.yml")
        if tree.has(FILE):
            return Reason("language", self.name, "there is such a file", FILE)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        from pipeline.kit.authoring.rust import author  # only when it is needed

        return author.author(tree, wishes)
