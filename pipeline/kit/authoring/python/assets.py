"""A site in a folder of its own that the app serves: built by Node.js, in a stage of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.kit.authoring import node
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.node.package import FILE
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

STAGE = "assets"


@dataclass(frozen=True)
class Assets:
    folder: str
    site: node.Site

    @property
    def path(self) -> str:
        """Where the app looks for what is built."""
        return f"{self.folder}/{self.site.folder}"

    def stages(self) -> Iterator[list[m.Item]]:
        """As for the folder alone, but seen from the app's."""
        for paragraph in self.site.stages:
            yield [self._from_here(item) for item in paragraph]

    def copy(self) -> m.Copy:
        return m.Copy((f"/app/{self.site.folder}",), f"./{self.path}", flags=(("from", STAGE),))

    def _from_here(self, item: m.Item) -> m.Item:
        if isinstance(item, m.From):
            return replace(item, name=STAGE)
        if isinstance(item, m.Copy) and item.flag("from") is None:
            sources = (self.folder if each == "." else f"{self.folder}/{each}"
                       for each in item.sources)  # fmt: skip
            return replace(item, sources=tuple(sources))
        return item


def find(tree: Tree, sources: Sources, reasons: Reasons) -> Assets | None:
    """The first folder with a site that the code names where it is built to."""
    for path in tree.matching(f"*/{FILE}"):
        folder = path.removesuffix(f"/{FILE}")
        if not sources.has(re.compile(rf"[\"'/]{re.escape(folder)}\b")):
            continue
        noted = Reasons()
        site = node.site(Tree(tree.folder / folder), noted)
        if site is None:
            continue
        parts = r"[\"'/,\s]+".join(re.escape(each) for each in [folder, *site.folder.split("/")])
        if found := sources.first(re.compile(rf"[\"'/]({parts})\b")):
            because = f"{folder} is built, and served from there"
            reasons.note("assets", f"{folder}/{site.folder}", because, found.file, line=found.line)
            return Assets(folder, site)
    return None
