"""The findings of all linters over one Dockerfile, as one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.artifacts import Finding
from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import rules
from pipeline.kit.dockerfile.parse import parse

Threshold = Literal["error", "warning", "info", "style", "off"]

_RANK = {"style": 0, "info": 1, "warning": 2, "error": 3, "off": 4}
_SAME: Mapping[str, frozenset[str]] = {
    rules.SECRET: frozenset({"DL3064", "SecretsUsedInArgOrEnv"}),
    rules.MOVING_BASE: frozenset({"DL3006", "DL3007"}),
    rules.ROOT: frozenset({"DL3002"}),
    "DL3000": frozenset({"WorkdirRelativePath"}),
    "DL3024": frozenset({"DuplicateStageName"}),
    "DL3025": frozenset({"JSONArgsRecommended"}),
    "DL4000": frozenset({"MaintainerDeprecated"}),
    "DL4003": frozenset({"MultipleInstructionsDisallowed"}),
    "DL4004": frozenset({"MultipleInstructionsDisallowed"}),
}
"""Rule → those of other linters with the same meaning, which need not be told as well."""
_UNREADABLE = "DL1000"
SYNTAX = "syntax"


def own_findings(text: str) -> list[Finding]:
    """What our own rules find; a file that cannot be parsed has that as its only finding."""
    try:
        return rules.check(parse(text))
    except StageFailed as error:
        line = error.where.line if error.where else None
        return [
            Finding(
                rule=SYNTAX, level="error", message=error.message, line=line or 1, hint=error.hint
            )
        ]


def merge(own: Sequence[Finding], foreign: Sequence[Finding]) -> tuple[Finding, ...]:
    """Both lists by line, without what is said twice.

    hadolint cannot read everything that BuildKit can (a heredoc without an empty line after it):
    where our own parser has no objection, that is told and is no error.
    """
    said = {
        (finding.line, other)
        for finding in (*own, *foreign)
        for other in _SAME.get(finding.rule, ())
    }
    readable = all(finding.rule != SYNTAX for finding in own)
    kept = [
        _unread(finding) if finding.rule == _UNREADABLE else finding
        for finding in foreign
        if (finding.line, finding.rule) not in said and (readable or finding.rule != _UNREADABLE)
    ]
    return tuple(sorted([*own, *kept], key=lambda finding: (finding.line, finding.rule)))


def _unread(finding: Finding) -> Finding:
    return finding.model_copy(
        update={
            "level": "info",
            "message": f"hadolint reads no further than here: {finding.message}",
            "hint": "After a heredoc it needs an empty line.",
        }
    )


def at_or_above(findings: Sequence[Finding], threshold: Threshold) -> list[Finding]:
    """The findings that are as severe as ``threshold`` or more so; ``off`` means none."""
    return [finding for finding in findings if _RANK[finding.level] >= _RANK[threshold]]
