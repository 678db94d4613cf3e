"""Linting the project's Dockerfiles, and mending them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.app.dockerfile import diff
from pipeline.app.drafted import Desk
from pipeline.app.workspace import Workspace
from pipeline.artifacts import Finding
from pipeline.errors import UsageError
from pipeline.kit import drafts, ignore, linting, lock
from pipeline.kit.dockerfile.fix import fix
from pipeline.kit.drafts import Draft
from pipeline.kit.files import replace_text
from pipeline.kit.linting import Linter
from pipeline.scope import Scope


@dataclass(frozen=True)
class Linted:
    """One Dockerfile with what was found."""

    draft: Draft
    findings: tuple[Finding, ...]
    severe: tuple[Finding, ...]
    """Those that fail the stage."""

    @property
    def is_users(self) -> bool:
        return self.draft.origin == "existing"

    def mends(self, finding: Finding) -> bool:
        """Can it be mended here?"""
        if finding.rule == linting.NO_IGNORE:
            return True
        return self.is_users and fix(self.draft.text, [finding], self.draft.context) != (
            self.draft.text
        )


def lint(
    workspace: Workspace, desk: Desk, files: Sequence[str], tell: Callable[[str, str], None],
    scope: Scope,
) -> list[Linted]:  # fmt: skip
    """All Dockerfiles of the project, or these ``files``.

    Raises:
        UsageError: there is no such file.
        StageFailed: a missing one cannot be generated.
        ConfigError: the lock is none.
    """
    ports = workspace.ports
    linter = Linter(desk.lint, ports.shell, ports.engine, scope, tell)
    locked = lock.read(desk.around.directory) or lock.Lock({})
    drafted = [*_named(files, desk)] if files else list(desk.places.drafts().once())
    found = []
    for draft in drafted:
        own = linter.findings(draft, desk.around.root)
        around = linting.around(draft, locked.digest, desk.build.args)
        kept = [finding for finding in around if finding.rule not in desk.lint.ignore]
        findings = tuple(sorted((*kept, *own), key=lambda each: (each.line, each.rule)))
        found.append(Linted(draft, findings, tuple(linting.severe(findings, desk.lint))))
    return found


def _named(files: Sequence[str], desk: Desk) -> Iterator[Draft]:
    for name in files:
        path = Path(name).absolute()
        text = drafts.read(path)
        if text is None:
            raise UsageError(f"there is no file {name}")
        context = desk.around.app if path.is_relative_to(desk.around.app) else path.parent
        yield Draft(path, context, "existing", text, ignore.ignore_file(context, path))


@dataclass(frozen=True)
class Mended:
    """A file as it would be, and the difference as a unified diff."""

    path: Path
    text: str
    lines: tuple[str, ...]

    def write(self) -> None:
        """Raises ``StageFailed`` when it cannot be written."""
        replace_text(self.path, self.text)


def mend(linted: Linted) -> Iterator[Mended]:
    """What can be mended of a Dockerfile of the user's own, and of what lies around it."""
    draft = linted.draft
    if linted.is_users:
        text = draft.path.read_bytes().decode("utf-8")  # with the line ends that it has
        fixed = fix(text, linted.findings, draft.context)
        if fixed != text:
            name = draft.path.name
            yield Mended(draft.path, fixed, tuple(diff(text, fixed, name, f"{name}, mended")))
    if any(finding.rule == linting.NO_IGNORE for finding in linted.findings):
        path = draft.context / ".dockerignore"
        yield Mended(path, drafts.IGNORE_TEXT, (f"+++ {path.name}, new",))
