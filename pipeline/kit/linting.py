"""Asking all linters about a Dockerfile: our rules, hadolint, and the builder's own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import Finding, Frozen
from pipeline.errors import EngineUnavailable, NotFound, StageFailed
from pipeline.kit.dockerfile import hadolint, lint, rules
from pipeline.kit.dockerfile.bases import bases
from pipeline.kit.dockerfile.lint import Threshold
from pipeline.kit.dockerfile.parse import parse
from pipeline.kit.drafts import Draft
from pipeline.ports import Shell
from pipeline.ports.engine import BuildRequest, Engine
from pipeline.scope import Scope

UNPINNED = "unpinned-base"
NO_IGNORE = "no-dockerignore"
_CHECKS_SECONDS = 60.0


class LintChoices(Frozen):
    """What the user decides about lint."""

    severity: Threshold = "error"
    """Findings of this level or above fail the stage; ``off`` fails for none."""
    ignore: tuple[str, ...] = ()
    """Rules that are not told, such as DL3008."""
    hadolint: bool = True
    buildkit: bool = True
    """Ask for the builder's own checks, where it has them."""


@dataclass(frozen=True)
class Linter:
    """``tell`` takes a message and a hint: something could not be checked."""

    choices: LintChoices
    shell: Shell
    engine: Engine
    scope: Scope
    tell: Callable[[str, str], None]

    def findings(self, draft: Draft, root: Path) -> tuple[Finding, ...]:
        """What there is to say about the text of ``draft``; ``root`` is the top of its work tree,
        where hadolint may be configured."""
        foreign = [*self._hadolint(draft, root), *self._buildkit(draft)]
        merged = lint.merge(lint.own_findings(draft.text), foreign)
        return tuple(finding for finding in merged if finding.rule not in self.choices.ignore)

    def _hadolint(self, draft: Draft, root: Path) -> list[Finding]:
        if not self.choices.hadolint:
            return []
        try:
            return hadolint.check(draft.text, [draft.path.parent, root], self.shell, self.scope)
        except NotFound as error:
            self.tell(f"{error.message}: its rules were not checked", error.hint)
            return []

    def _buildkit(self, draft: Draft) -> list[Finding]:
        """Nothing without an engine: it is the build that needs one."""
        if not self.choices.buildkit or not draft.context.is_dir():
            return []
        request = BuildRequest(
            context=str(draft.context),
            dockerfile_text=draft.text,
            dockerfile_name=str(draft.path),
        )
        scope = self.scope.child(_CHECKS_SECONDS, what="checking the Dockerfile")
        with suppress(EngineUnavailable):
            return self.engine.check(request, scope) or []
        return []


def around(
    draft: Draft, pinned: Callable[[str], object], args: Mapping[str, str] | None = None
) -> list[Finding]:
    """What there is to say about what lies around a Dockerfile: its ignore file, and the lock, of
    which ``pinned`` says whether it has an image."""
    found = []
    if draft.ignore_file is None and not (draft.context / ".dockerignore").exists():
        found.append(_no_ignore(draft))
    for base in bases(draft.text, args):
        unpinned = base.reference.digest is None and not pinned(base.name)
        if unpinned and base.reference.tag not in (None, "latest"):  # those are moving-base's
            found.append(_unpinned(base.name, base.line))
    with suppress(StageFailed):
        return rules.without_silenced(parse(draft.text), found)
    return found


def _no_ignore(draft: Draft) -> Finding:
    return Finding(
        rule=NO_IGNORE, level="warning", line=1,
        message=f"{draft.context} has no .dockerignore: a build sees all of it, .git and secrets "
        "too",
        hint="`dockcycle lint --fix` writes one.",
    )  # fmt: skip


def _unpinned(name: str, line: int) -> Finding:
    return Finding(
        rule=UNPINNED, level="info", line=line,
        message=f"{name} may be another image tomorrow",
        hint="`dockcycle update` notes its digest in pipeline.lock.",
    )  # fmt: skip


def severe(findings: Sequence[Finding], choices: LintChoices) -> list[Finding]:
    """Those that fail the stage."""
    return lint.at_or_above(findings, choices.severity)
