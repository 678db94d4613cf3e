"""Dockerfiles for Ruby."""

from __future__ import annotations

from pipeline.kit.authoring.contract import Authored, Reason, Wishes
from pipeline.kit.authoring.tree import Tree

FILE = "Gemfile"


class Ruby:
    name = "Ruby"
    key = "ruby"
    looks_for = (FILE, "config.ru", "*.rb")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.ruby:
            return Reason("language", self.name, "asked for by `ruby:`", "pipeline.yml")
        if known := tree.first("config.ru", FILE):
            jekyll = tree.has("_config.yml") and not tree.has("config.ru")
            return Reason("language", self.name, "there is such a file", known, doubtful=jekyll)
        if script := next(iter(tree.matching("*.rb")), None):
            return Reason("language", self.name, "there is a script", script, doubtful=True)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        from pipeline.kit.authoring.ruby import author  # only when it is needed

        return author.author(tree, wishes)
