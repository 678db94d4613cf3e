"""Tag policies: from ``{commit}``, ``{version}`` and the like to an image's tags.

=============  =====================================================================
``{commit}``   the commit, 40 digits
``{short}``    its first 12 digits
``{branch}``   the branch as a slug: ``feature/Log-in`` is ``feature-log-in``
``{version}``  semantic version of a git tag at the commit: ``1.4.2``
``{minor}``    its first two numbers: ``1.4`` (not of a pre-release)
``{major}``    its first number: ``1`` (not of a pre-release)
``{content}``  the first 12 digits of the hash over what the build sees
``{date}``     the day in UTC: ``20261124``
=============  =====================================================================

The rest of a policy stands for itself. Whatever git names gets ``-dirty`` behind it when the work
tree is not what is committed. A policy whose value is missing is left out, and that is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from pipeline.artifacts import Source
from pipeline.kit.names import did_you_mean
from pipeline.kit.references import LONGEST_TAG, BadReference, check_tag

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.\d+(?P<pre>-[0-9A-Za-z.-]+)?(?:\+.*)?", re.ASCII)
_LONGEST_SLUG = 63
_DIRTY = "-dirty"

_MISSING = {
    "commit": "there is no commit",
    "short": "there is no commit",
    "branch": "no branch is checked out",
    "version": "no git tag with a semantic version is at the commit",
    "minor": "no git tag with a released semantic version is at the commit",
    "major": "no git tag with a released semantic version is at the commit",
    "content": "",
    "date": "",
}
_FROM_GIT = {"commit", "short", "branch", "version", "minor", "major"}


def check_policy(policy: str) -> str:
    """The policy itself.

    Raises:
        ValueError: it names something unknown, or could only make tags that Docker refuses.
    """
    for name in _PLACEHOLDER.findall(policy):
        if name not in _MISSING:
            raise ValueError(f"{{{name}}} is not known in a tag. {did_you_mean(name, _MISSING)}")
    sample = _PLACEHOLDER.sub("0", policy)
    if re.search("[{}]", sample):
        raise ValueError(f'a brace in the tag "{policy}" is not closed')
    try:
        check_tag(sample)
    except BadReference as error:
        raise ValueError(f'the tag "{policy}" cannot work: {error}') from None
    return policy


TagPolicy = Annotated[str, AfterValidator(check_policy)]


def default_policies(source: Source) -> tuple[str, ...]:
    """What is used when no tags are asked for: the commit, or the content outside of git."""
    return ("{commit}",) if source.commit else ("{content}",)


def render_tags(
    policies: Sequence[str], source: Source, now: datetime,
    notice: Callable[[str], None] = lambda message: None,
) -> list[str]:  # fmt: skip
    """The tags that the policies come to, in their order, without repetitions, at least one.

    No policies means ``default_policies``; when every policy is left out, ``{content}`` is used.
    ``notice`` is told of each policy that is left out.

    Raises:
        BadReference: a tag gets too long.
    """
    values = _values(source, now)
    tags: list[str] = []
    for policy in policies or default_policies(source):
        names = _PLACEHOLDER.findall(policy)
        missing = next((name for name in names if not values[name]), None)
        if missing is not None:
            notice(f"tag {policy} is left out: {_MISSING[missing]}")
            continue
        dirty = _DIRTY if source.dirty and _FROM_GIT.intersection(names) else ""
        tags.append(check_tag(_PLACEHOLDER.sub(lambda m: values[m[1]], policy) + dirty))
    return list(dict.fromkeys(tags)) or [values["content"]]


def slug(text: str) -> str:
    """``text`` in lower case with all but ``a-z 0-9 . _`` as single dashes; may be empty."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower())[:_LONGEST_SLUG]
    return plain.strip("-.")


def _values(source: Source, now: datetime) -> dict[str, str]:
    version = source.versions[0] if source.versions else ""
    match = _SEMVER.fullmatch(version)
    released = match is not None and not match["pre"]
    major, minor = (match[1], f"{match[1]}.{match[2]}") if match and released else ("", "")
    return {
        "commit": source.commit or "",
        "short": source.short,
        "branch": slug(source.branch or ""),
        "version": version.replace("+", "-")[:LONGEST_TAG],
        "minor": minor,
        "major": major,
        "content": source.content[:12],
        "date": now.strftime("%Y%m%d"),
    }
