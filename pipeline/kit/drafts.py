"""Which Dockerfiles a project has, and what is in them: there, declared, or generated.

Everything here only reads; ``stages.dockerfile`` writes what is drafted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import Location, StageFailed
from pipeline.kit import authoring, ignore
from pipeline.kit.authoring import Reason, Wishes
from pipeline.kit.dockerfile import declared, ownership, render
from pipeline.kit.dockerfile.declared import Entry

Origin = Literal["existing", "generated", "declared", "inline"]

IGNORE_TEXT = ownership.sign(ignore.DEFAULT_IGNORE)
"""The .dockerignore that is written where there is none."""


@dataclass(frozen=True)
class Draft:
    """One Dockerfile as it should be."""

    path: Path
    context: Path
    origin: Origin
    text: str
    ignore_file: Path | None
    """The ignore file in force that is the user's own; None where the default one is meant."""
    reasons: tuple[Reason, ...] = ()

    @property
    def is_ours(self) -> bool:
        return self.origin in ("generated", "declared")

    def files(self) -> dict[Path, str]:
        """What belongs into the work tree and is ours: path → text."""
        found = {self.path: self.text} if self.is_ours else {}
        if self.ignore_file is None:
            found[self.context / ".dockerignore"] = IGNORE_TEXT
        return found


def draft(
    path: Path, context: Path, *, entries: Sequence[Entry] = (), wishes: Wishes | None = None
) -> Draft:
    """The Dockerfile at ``path`` for ``context`` (both absolute). A file that is there and is not
    ours is taken as it is; else it is what ``entries`` declare, or it is generated.

    Raises:
        StageFailed: there is a file of the user's own and a declaration too; or nothing can be
            generated.
    """
    own_ignore = _users_ignore(context, path)
    there = read(path)
    if there is not None and not ownership.is_untouched(there):
        if entries:
            raise StageFailed(
                f"{path.name} is there already, and pipeline.yml declares one too",
                hint="Remove `instructions:` to use the file, or remove the file.",
                where=Location(str(path)),
            )
        return Draft(path, context, "existing", there, own_ignore)
    if entries:
        body = render(declared.build(entries))
        return Draft(path, context, "declared", ownership.sign(f"\n{body}"), own_ignore)
    authored = authoring.author(context, wishes)
    text = ownership.sign(f"\n{render(authored.dockerfile)}")
    return Draft(path, context, "generated", text, own_ignore, authored.reasons)


def inline(text: str, context: Path, where: Path) -> Draft:
    """A Dockerfile that stands inside another file, ``where``."""
    return Draft(where, context, "inline", text, _users_ignore(context, None))


def read(path: Path) -> str | None:
    """The text of a file; None when there is none.

    Raises:
        StageFailed: it is no text, or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StageFailed(
            f"{path} cannot be read: {error}",
            hint="A Dockerfile is a text file in UTF-8.",
            where=Location(str(path)),
        ) from error


def _users_ignore(context: Path, path: Path | None) -> Path | None:
    """The ignore file in force, unless it is one that we wrote and nobody changed."""
    file = ignore.ignore_file(context, path)
    if file is None or ownership.is_untouched(read(file) or ""):
        return None
    return file
