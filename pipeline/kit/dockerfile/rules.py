"""Our own lint rules, over what BuildKit and hadolint leave open or take lightly.

A comment ``# dockcycle ignore=RULE,RULE`` right above an instruction silences it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.artifacts import Finding
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.secrets import is_secret_name, is_secret_value

SECRET = "secret-in-image"  # noqa: S105 - the name of a rule
MOVING_BASE = "moving-base"
ROOT = "runs-as-root"

_IGNORE = re.compile(r"dockcycle\s+ignore=([\w,\s-]+)")


def check(dockerfile: m.Dockerfile) -> list[Finding]:
    """All findings of all rules, in the order of the file."""
    found = [*_secrets(dockerfile), *_moving_bases(dockerfile), *_root(dockerfile)]
    kept = without_silenced(dockerfile, found)
    return sorted(kept, key=lambda finding: (finding.line, finding.rule))


def without_silenced(dockerfile: m.Dockerfile, found: Iterable[Finding]) -> list[Finding]:
    """Those that no comment of the file silences."""
    ignored = _ignored(dockerfile)
    return [finding for finding in found if finding.rule not in ignored.get(finding.line, ())]


def _ignored(dockerfile: m.Dockerfile) -> dict[int, set[str]]:
    """Line of an instruction → rules that the comments above it silence."""
    silent: dict[int, set[str]] = {}
    rules: set[str] = set()
    for item in dockerfile.items:
        if isinstance(item, m.Comment):
            if match := _IGNORE.fullmatch(item.text):
                rules |= set(re.split(r"[,\s]+", match[1].strip()))
            continue
        if isinstance(item, m.Instruction) and rules:
            silent[item.line] = rules
        rules = set()
    return silent


def _secrets(dockerfile: m.Dockerfile) -> Iterator[Finding]:
    for instruction in dockerfile.instructions:
        inner = instruction.instruction if isinstance(instruction, m.Onbuild) else instruction
        if not isinstance(inner, m.Arg | m.Env):
            continue
        for name, word in inner.pairs:
            value = None if word is None else words.unquote(word, dockerfile.escape)
            named = is_secret_name(name) and value != ""
            if named or is_secret_value(value or ""):
                yield Finding(
                    rule=SECRET,
                    level="error",
                    line=instruction.line,
                    message=f"{inner.keyword} {name} looks like a secret: whoever has the image "
                    "can read it",
                    hint="Mount it where it is needed: RUN --mount=type=secret,id=…, and name it "
                    "under build.secrets; at run time give it under run.env.",
                )


def _moving_bases(dockerfile: m.Dockerfile) -> Iterator[Finding]:
    names = {"scratch"}
    for stage in dockerfile.stages:
        image = stage.base.image
        if image.lower() not in names and "$" not in image and _moves(image):
            yield Finding(
                rule=MOVING_BASE,
                level="warning",
                line=stage.base.line,
                message=f"the base {image} is another image every few weeks",
                hint="Name a version, such as python:3.13-slim.",
            )
        names.add(stage.base.name.lower())


def _moves(image: str) -> bool:
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"


def _root(dockerfile: m.Dockerfile) -> Iterator[Finding]:
    users = [item for item in dockerfile.effective() if isinstance(item, m.User)]
    if users and users[-1].user.partition(":")[0] not in ("root", "0"):
        return
    yield Finding(
        rule=ROOT,
        level="info" if not users else "warning",
        line=users[-1].line if users else dockerfile.stages[-1].base.line,
        message="the app runs as root, unless its base image says otherwise",
        hint="End the last stage with USER and a user of the app's own, best as a number.",
    )
