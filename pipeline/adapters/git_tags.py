"""Annotated tags."""

from __future__ import annotations

from pipeline.adapters.git_command import Git
from pipeline.adapters.git_objects import identity
from pipeline.adapters.git_read import resolve
from pipeline.errors import GitUnusable
from pipeline.kit.git_names import check_branch


def tag_ref(name: str) -> str:
    """Full name of a tag.

    Raises:
        GitUnusable: git's own rule refuses it.
    """
    try:
        return f"refs/tags/{check_branch(name)}"
    except ValueError as error:
        raise GitUnusable(str(error), hint="Set `tag:` to another pattern.") from error


def tag(git: Git, name: str, commit: str, message: str) -> bool:
    """See ``Repo.tag``. Signed when ``tag.gpgsign`` asks for it."""
    there = resolve(git, tag_ref(name))
    if there == commit:
        return False
    if there is not None:
        raise GitUnusable(
            f"the tag {name} exists already, on another commit ({there[:12]})",
            hint="Choose a pattern for `tag:` that is different for each release.",
        )
    git.run(
        "tag", "--annotate", "--cleanup=verbatim", "--file=-", "--end-of-options", name, commit,
        stdin=message.encode(), env=identity(git),
    )  # fmt: skip
    return True


def delete_tag(git: Git, name: str) -> None:
    """See ``Repo.delete_tag``."""
    git.run("update-ref", "-d", tag_ref(name))
