"""Branches, paths, authors and messages that mean harm: they are run, and stay text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tests.load.client import post_all
from tests.load.rows import Row
from tests.load.site import FOLLOWED, Site

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a cursor, titles a window or turns text around."""


def hostile(site: Site) -> Iterator[Row]:
    """What a stranger may name a branch, a file, himself, and his change."""
    site.settle()
    trap = site.work.parent / "trap"
    said, commits = len(site.lines), [_push(site, branch, trap) for branch in _branches(trap)]
    for branch, commit in zip(_branches(trap), commits, strict=True):
        asyncio.run(post_all(site.address, [site.delivery(commit, branch=branch)], 1))
        site.until_ran(commit)
    site.settle()
    runs = site.runs()[-len(commits) :]
    ran = sum(run.outcome.get("commit") in commits for run in runs)
    yield Row("branches, paths, authors and messages that mean harm: run", str(ran),
              str(len(commits)), ran == len(commits))  # fmt: skip
    yield _none("  carried out by a shell", [str(trap)] * trap.exists())
    shown = [site.command("history"), site.command("show", "latest")]
    texts = ["".join(site.lines[said:]), *shown]
    yield _none("  control characters in terminals", [_UNSEEN.findall(text) for text in texts])
    pages = ["/", "/p/hello", *(f"/p/hello/runs/{run.id}" for run in runs)]
    texts = [site.get(page) for page in pages]
    seen = sum("owned" in text and "alert(1)" in text for text in texts[2:])
    yield Row("  pages that show them as text", str(seen), str(len(runs)), seen == len(runs))
    yield _none("  foreign elements in pages", [_Foreign(text).found for text in texts])
    yield _none("  control characters in pages", [_UNSEEN.findall(text) for text in texts])


def _branches(trap: Path) -> list[str]:
    run = f"touch${{IFS}}{trap}"
    return [
        f"{FOLLOWED}$({run})",
        f"{FOLLOWED}`{run}`",
        f"{FOLLOWED};{run};'\"&|<script>alert(1)</script>\u202e",
        f"{FOLLOWED}--upload-pack={run}",
    ]


def _push(site: Site, branch: str, trap: Path) -> str:
    evil = f"\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\u202e$(touch {trap})`touch {trap}`"
    path = evil.replace(str(trap), "trap").replace("/", "\\") + "\n--version"
    message = f"{evil}\n\n::error::forged\n##[error]forged\n{evil}"
    return site.push_to(branch, message, author=evil, path=path)


def _none(what: str, found: list[object]) -> Row:
    bad = [one for one in found if one]
    return Row(what, str(bad or "none")[:60], "none", not bad)


class _Foreign(HTMLParser):
    """Elements and attributes that no page of ours has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "iframe", "object") or (tag == "script" and not given.get("src")):
            self.found.append(tag)
        self.found += [name for name in given if name.startswith("on")]
