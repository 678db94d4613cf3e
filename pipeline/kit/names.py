"""Rules for names, and the nearest right one for a wrong one."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

STAGES = ("code", "dockerfile", "build", "run", "smoke", "push", "track", "operate")
"""The eight built-in stages, in their usual order."""

LONGEST = 40
"""Characters of a project name, so that container names made from it stay readable."""
PROJECT_RULE = r"^[a-z0-9][a-z0-9_-]*$"
"""Compose's rule for project names."""


def check_project_name(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: it breaks the rule; the message says how and suggests one that does not.
    """
    if re.fullmatch(PROJECT_RULE, name) and len(name) <= LONGEST:
        return name
    if re.fullmatch(PROJECT_RULE, name):
        fault = f"is longer than {LONGEST} characters"
    else:
        fault = "may only have a-z, 0-9, - and _, and starts with a letter or digit"
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    raise ValueError(f'the project name "{shown}" {fault}; "{suggest_project_name(name)}" would do')


def suggest_project_name(text: str) -> str:
    """A valid project name that is as near to ``text`` as the rule allows; ``app`` for nothing."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")
    return slug[:LONGEST].rstrip("-_") or "app"


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that was probably meant; None when nothing is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``Did you mean `env`?``, or the choices there are when nothing is near."""
    known = sorted(set(choices))
    if (found := nearest(word, known)) is not None:
        return f"Did you mean `{found}`?"
    return f"Possible here: {', '.join(known)}." if known else ""


ProjectName = Annotated[
    str,
    AfterValidator(check_project_name),
    Field(json_schema_extra={"pattern": PROJECT_RULE, "maxLength": LONGEST}),
]
