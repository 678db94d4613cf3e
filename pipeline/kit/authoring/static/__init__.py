"""Dockerfiles for sites of files: as they are, or made by a generator, and served by nginx."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.static import server
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_FOLDERS = ("", "public", "dist", "site", "www", "html", "htdocs", "static", "build", "docs", "src")
_HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_SECTIONS = ("[markup", "[params", "baseURL", "languageCode")


@dataclass(frozen=True)
class Site:
    """How the files are made, and where they are then."""

    because: str
    file: str
    build: Callable[[Tree, Reasons], list[list[m.Item]]] | None = None
    """The stage ``build``; None for files that are there already."""
    output: str = ""
    """Where that stage leaves them; without one, the folder of the app."""


class Static:
    name = "static files"
    key = "static"
    looks_for = ("index.html", *_HUGO[:1], "mkdocs.yml")

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.static:
            return Reason("language", self.name, "asked for by `static:`", "pipeline.yml")
        site = _site(tree)
        if site is None:
            return None
        return Reason("language", self.name, site.because, site.file, doubtful=site.build is None)

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        reasons = Reasons()
        site = _wished(tree, wishes) or _site(tree)
        if site is None:
            raise StageFailed(f"there is no index.html in {tree.folder}")
        port = wishes.port or server.PORT
        stage = site.build(tree, reasons) if site.build else []
        if site.build:
            copied = parts.from_build(site.output, "")
        else:
            reasons.note("site", site.output or ".", site.because, site.file)
            copied = m.Copy((site.output or ".",), "")
        error = posixpath.join(site.output, "404.html") if not site.build else ""
        error_page = "404.html" if tree.has(error) else ""
        reasons.note("port", port, "asked for by `port:`" if wishes.port else "usual for nginx")
        items = blocks.paragraphs(*stage, *server.serve(copied, port, error_page=error_page))
        return Authored("static files", m.Dockerfile(items), tuple(reasons.found), port)


def _wished(tree: Tree, wishes: Wishes) -> Site | None:
    if wishes.static is None:
        return None
    folder = "" if wishes.static == "." else posixpath.normpath(wishes.static)
    if not any(path.startswith(f"{folder}/" if folder else "") for path in tree.files):
        raise StageFailed(
            f"`static:` names {wishes.static}, and there is no file in it",
            hint="Name a folder of the app that holds the files.",
        )
    return Site("asked for by `static:`", "pipeline.yml", output=folder)


def _site(tree: Tree) -> Site | None:
    """The first of: Hugo, MkDocs, a folder with an index.html."""
    configuration = tree.first(*_HUGO) or _old_hugo(tree)
    if configuration:
        return Site("Hugo makes it", configuration, _hugo, "/src/public")
    if file := tree.first("mkdocs.yml", "mkdocs.yaml"):
        return Site("MkDocs makes it", file, _mkdocs, "/src/site")
    for folder in _FOLDERS:
        index = posixpath.join(folder, "index.html")
        if tree.has(index):
            return Site("there is such a page", index, output=folder)
    return None


def _old_hugo(tree: Tree) -> str | None:
    """Hugo's configuration under the name that it had before, shared with others."""
    file = tree.first("config.toml", "config.yaml")
    has_content = any(path.startswith(("content/", "layouts/")) for path in tree.files)
    known = file is not None and any(word in tree.read(file) for word in _SECTIONS)
    return file if known and has_content else None


def _hugo(tree: Tree, reasons: Reasons) -> list[list[m.Item]]:
    reasons.note("build", "hugo --minify", "Debian's Hugo, the extended one")
    return [
        [m.From("debian:trixie-slim", "build")],
        blocks.apt(["ca-certificates", "git", "hugo"], "Debian's Hugo is the extended one."),
        [m.Workdir("/src"), parts.code(), blocks.run("hugo --minify")],
    ]


def _mkdocs(tree: Tree, reasons: Reasons) -> list[list[m.Item]]:
    listed = tree.first("requirements.txt", "docs/requirements.txt", "requirements-docs.txt")
    theme = re.search(r"name:\s*[\"']?material\b", tree.read("mkdocs.yml"))
    packages = '"mkdocs-material>=9,<10"' if theme else '"mkdocs>=1.6,<2"'
    wanted = f"--requirement {listed}" if listed else packages
    reasons.note("build", "mkdocs build", f"with {listed or packages}", listed or "mkdocs.yml")
    install = blocks.run(
        f"pip install --root-user-action=ignore {wanted}", caches=["/root/.cache/pip"]
    )
    first = [*blocks.comment(parts.DEPENDENCIES_FIRST), *parts.copies([listed])] if listed else []
    return [
        [m.From("python:3.13-slim", "build")],
        [m.Workdir("/src"), *first, install, parts.code(), blocks.run("mkdocs build")],
    ]
