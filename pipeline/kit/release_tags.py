"""Names of the annotated git tags that mark releases, from patterns such as ``v{version}``.

=============  ===================================================================
``{project}``  the project's name
``{date}``     the day of the commit: ``20261124``
``{commit}``   the commit that was shipped, all digits
``{short}``    its first 8 digits
``{image}``    8 digits that stand for the image (of all images together)
``{branch}``   the branch
``{version}``  semantic version of a git tag at the commit: ``1.4.2``
``{content}``  the first 12 digits of the hash over what the build sees
``{run}``      the run's id
=============  ===================================================================

As with image tags, ``-dirty`` goes behind it when the work tree is not what is committed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from pipeline.artifacts import Image, PushedImages, Source
from pipeline.kit import references
from pipeline.kit.git_names import check_branch
from pipeline.kit.hashing import fingerprint
from pipeline.kit.names import did_you_mean

DEFAULT = "dockcycle/{project}/{date}-{short}-{image}"
"""The same for the same commit and image, and sorted by time."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = (
    "project", "date", "commit", "short", "image", "branch", "version", "content", "run",
)  # fmt: skip


def check_pattern(pattern: str) -> str:
    """The pattern itself.

    Raises:
        ValueError: it names something unknown, or could only make names that git refuses.
    """
    for name in _PLACEHOLDER.findall(pattern):
        if name not in _KNOWN:
            raise ValueError(f"{{{name}}} is not known in a tag. {did_you_mean(name, _KNOWN)}")
    sample = _PLACEHOLDER.sub("0", pattern)
    if re.search("[{}]", sample):
        raise ValueError(f'a brace in the tag "{pattern}" is not closed')
    check_branch(sample)
    return pattern


def is_exact(pattern: str) -> bool:
    """Does the name stand for one commit with one image, so that a tag that exists is right?"""
    names = set(_PLACEHOLDER.findall(pattern))
    return "image" in names and bool(names & {"commit", "short"})


def render(pattern: str, *, project: str, run: str, source: Source, image: str) -> str:
    """The tag's name.

    Raises:
        ValueError: a placeholder has no value here, or the result is no name for a tag.
    """
    values = {
        "project": project, "date": source.committed[:10].replace("-", ""), "run": run,
        "commit": source.commit or "", "short": (source.commit or "")[:8], "image": image,
        "branch": source.branch or "", "content": source.content[:12],
        "version": source.versions[0] if source.versions else "",
    }  # fmt: skip
    for name in _PLACEHOLDER.findall(pattern):
        if not values[name]:
            raise ValueError(f"{{{name}}} has no value here")
    dirty = "-dirty" if source.dirty else ""
    return check_branch(_PLACEHOLDER.sub(lambda match: values[match[1]], pattern) + dirty)


def image_names(images: Mapping[str, Image], pushed: PushedImages | None) -> dict[str, str]:
    """Service → the one exact name of its image: ``repository@sha256:…`` of the first registry that
    it was pushed to, else its id. Images that were only pulled are left out."""
    names = {}
    for service, image in images.items():
        if not image.built:
            continue
        there = pushed.services.get(service, ()) if pushed else ()
        refs = [
            f"{references.parse(p.ref).familiar}@{p.digest}"
            for p in there
            if not p.ref.startswith("/")  # an archive
        ]
        names[service] = refs[0] if refs else image.id
    return names


def image_digits(names: Mapping[str, str]) -> str:
    """8 digits for ``{image}``."""
    if len(names) == 1:
        (only,) = names.values()
        return only.rpartition(":")[2][:8]
    return fingerprint(dict(names))[:8]


ReleaseTag = Annotated[str, AfterValidator(check_pattern)]
