"""From what a delivery means to what shall be run, by the project's filters and git's own rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.kit.git_names import check_branch
from pipeline.server.config import ServedProject, matches
from pipeline.server.senders import Image, Meaning, Pull, Push

Kind = Literal["push", "call", "asked", "image", "pull", "rollback"]

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PULL = re.compile(r"refs/(?:pull|merge-requests)/[0-9]{1,9}/head")
_FOLDERS = ("refs/heads/", "refs/tags/")


@dataclass(frozen=True)
class Wish:
    """A run that is wanted. ``commit`` is what the sender says, and only a hint: what counts is
    where the ref is when the run begins."""

    kind: Kind
    ref: str
    """Full name; empty for the one that was run last. Of a rollback: the release."""
    commit: str = ""


@dataclass(frozen=True)
class Verdict:
    """The wishes of a delivery; without any, ``reason`` says why."""

    wishes: tuple[Wish, ...]
    reason: str = ""


def decide(project: ServedProject, meaning: Meaning) -> Verdict:
    """What a delivery leads to."""
    answers = [_one(project, meaning, item) for item in meaning.items]
    wishes = tuple(dict.fromkeys(one for one in answers if isinstance(one, Wish)))
    reasons = [one for one in answers if isinstance(one, str)]
    if wishes:
        return Verdict(wishes)
    return Verdict((), "; ".join(dict.fromkeys(reasons)) or f"nothing to do for: {meaning.what}")


def _one(project: ServedProject, meaning: Meaning, item: Push | Pull | Image) -> Wish | str:
    if isinstance(item, Image):
        wanted = any(matches(project.images, name) for name in _with_and_without_tag(item))
        return Wish("image", "") if wanted else f"{item.names[0]} is none of `images:`"
    if not _COMMIT.fullmatch(item.commit) and not (meaning.asked and not item.commit):
        return "it names no commit"
    if isinstance(item, Pull):
        return _pull(project, item)
    folder = next((one for one in _FOLDERS if item.ref.startswith(one)), None)
    if folder is None:
        return "it is about no branch and no tag"
    name = item.ref.removeprefix(folder)
    try:
        check_branch(name)
    except ValueError as error:
        return str(error)
    is_branch = folder == "refs/heads/"
    wanted = project.wants_branch(name) if is_branch else project.wants_tag(name)
    if not wanted:
        return f"{name} is none of `{'branches' if is_branch else 'tags'}:`"
    return Wish("call" if meaning.asked else "push", item.ref, item.commit)


def _pull(project: ServedProject, item: Pull) -> Wish | str:
    if not project.pull_requests:
        return "pull requests are off (`pull_requests:`)"
    if not _PULL.fullmatch(item.ref):
        return "it is no pull request"
    return Wish("pull", item.ref, item.commit)


def _with_and_without_tag(image: Image) -> Iterator[str]:
    for name in image.names:
        yield name
        head, colon, tag = name.rpartition(":")
        if colon and "/" not in tag:
            yield head
