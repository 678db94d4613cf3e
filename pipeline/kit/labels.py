"""The labels on everything that dockcycle makes outside; what has none of them is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

PROJECT = "dockcycle.project"
RUN = "dockcycle.run"
CLIENT = "dockcycle.client"
"""Which state directory made it, so that one client does not sweep away another's candidate."""
ROLE = "dockcycle.role"
SERVICE = "dockcycle.service"
RELEASE = "dockcycle.release"
"""Release id (``r12``) of what is, or was, live."""
RECORD = "dockcycle.record"
"""A release's record, as JSON."""

Role = Literal[
    "candidate",
    "in-place",
    "live",
    "front",
    "gate",
    "domain",
    "check",
    "record",
    "pointer",
    "registry",
    "image",
    "note",
    "notify",
    "lock",
    "supervisor",
]


def labels(
    project: str, role: Role, *, run: str = "", client: str = "", service: str = "",
    release: str = "",
) -> dict[str, str]:  # fmt: skip
    """The labels for one object; empty values are left out."""
    pairs = {PROJECT: project, ROLE: role, RUN: run, CLIENT: client, SERVICE: service,
             RELEASE: release}  # fmt: skip
    return {key: value for key, value in pairs.items() if value}


def select(project: str, role: Role | None = None, **more: str) -> Mapping[str, str]:
    """A label filter for ``Engine.containers`` and its like."""
    chosen = {PROJECT: project}
    if role:
        chosen[ROLE] = role
    return chosen | {f"dockcycle.{key}": value for key, value in more.items()}
