"""Dockerfiles for PHP."""

from __future__ import annotations

import posixpath

from pipeline.kit.authoring.contract import Authored, Reason, Wishes
from pipeline.kit.authoring.tree import Tree

FILE = "composer.json"
ROOTS = ("public", "web", "webroot", "html", "htdocs", "www", "public_html", "", "src")
"""Folders that may be served: the first that has an index.php."""


class Php:
    name = "PHP"
    key = "php"
    looks_for = (FILE, "index.php", "artisan", "*.php")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.php:
            return Reason("language", self.name, "asked for by `php:`", "pipeline.yml")
        indexes = [posixpath.join(root, "index.php") for root in ROOTS]
        if known := tree.first("artisan", FILE, *indexes):
            return Reason("language", self.name, "there is such a file", known)
        if script := next(iter(tree.matching("*.php")), None):
            return Reason("language", self.name, "there is a script", script, doubtful=True)
        return None

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        from pipeline.kit.authoring.php import author  # only when it is needed

        return author.author(tree, wishes)
