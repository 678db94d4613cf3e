"""Workspaces: several packages that are installed together, of which one is the app."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass

from pipeline.errors import StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.node import frameworks, scripts
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.tree import Tree

_ENTRIES = ("server", "index", "app", "main")


@dataclass(frozen=True)
class Workspace:
    root: Package
    members: tuple[Package, ...]

    def app(self, wishes: Wishes, reasons: Reasons) -> Package:
        """The package that is the app: the root itself, the one that is named, or the only one that
        can be started and is no part of another.

        Raises:
            StageFailed: there are several, or the named one is none.
        """
        if not self.members:
            return self.root
        folders = [member.folder for member in self.members]
        if wishes.app is not None:
            named = [member for member in self.members if member.folder == wishes.app.strip("/.")]
            if not named:
                raise StageFailed(
                    f"`app: {wishes.app}` is no package of the workspace",
                    hint=f"There are {', '.join(folders)}.",
                )
            reasons.note("app", named[0].folder, "asked for by `app:`", "pipeline.yml")
            return named[0]
        started = scripts.find(self.root, "start")
        if started and not started.is_development and _is_plain(started.command):
            return self.root
        candidates = [member for member in self.members if _starts(member)]
        if len(candidates) == 1:
            because = "the only package of the workspace that can be started"
            reasons.note("app", candidates[0].folder, because, candidates[0].file)
            return candidates[0]
        if not candidates:
            return self.root
        names = ", ".join(member.folder for member in candidates)
        raise StageFailed(
            f"this is a workspace of several apps: {names}",
            hint=f"Name one in pipeline.yml: `dockerfile: {{app: {candidates[0].folder}}}`.",
        )

    def below(self, app: Package) -> list[Package]:
        """The members that ``app`` is made of, each after those that it needs, ``app`` last."""
        by_name = {member.name: member for member in self.members}
        ordered: dict[str, Package] = {}

        def visit(package: Package, path: tuple[str, ...]) -> None:
            for name in sorted({*package.dependencies, *package.tools}):
                if name in by_name and name not in path:
                    visit(by_name[name], (*path, name))
            ordered.setdefault(package.folder, package)

        visit(app, (app.name,))
        return list(ordered.values())


def members(tree: Tree) -> list[str]:
    """Folders of the members, without an error for a package.json that is broken."""
    if tree.first(FILE, "pnpm-workspace.yaml") is None:
        return []
    try:
        return [member.folder for member in find(tree).members]
    except StageFailed:
        return []


def find(tree: Tree) -> Workspace:
    root = Package(tree)
    patterns = [*root.workspaces, *_of_pnpm(tree)]
    wanted = [each.strip("/").removeprefix("./") for each in patterns if each[:1] != "!"]
    unwanted = [each[1:].strip("/") for each in patterns if each[:1] == "!"]
    folders = [path.removesuffix(f"/{FILE}") for path in tree.files if path.endswith(f"/{FILE}")]
    members = [
        folder
        for folder in folders
        if any(_matches(folder, each) for each in wanted)
        and not any(_matches(folder, each) for each in unwanted)
    ]
    return Workspace(root, tuple(Package(tree, folder) for folder in sorted(members)))


def _of_pnpm(tree: Tree) -> list[str]:
    text = tree.read("pnpm-workspace.yaml")
    block = re.search(r"^packages:\s*\n((?:\s*-\s*.+\n?|\s*#.*\n?|\s*\n)+)", text, re.MULTILINE)
    return re.findall(r"-\s*[\"']?([^\"'\s#]+)", block[1]) if block else []


def _matches(folder: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatch.fnmatchcase(folder, pattern.replace("/**", "/*"))
    return folder.count("/") == pattern.count("/") and fnmatch.fnmatchcase(folder, pattern)


def _is_plain(command: str) -> bool:
    """Does it start something itself, and not another package's script?"""
    return not re.search(r"--workspace|-w \w|--filter|\bturbo\b|\bnx\b|\blerna\b|workspace \S+ ",
                         command)  # fmt: skip


def _starts(member: Package) -> bool:
    if "start" in member.scripts or "start:prod" in member.scripts:
        return True
    if frameworks.find(member.tree, member) is not None and "build" in member.scripts:
        return not member.data.get("exports") and not member.data.get("types")
    return False
