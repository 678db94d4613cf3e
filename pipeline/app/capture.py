"""``capture``: from a container that was set up by hand to files that make it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.app.workspace import Workspace
from pipeline.kit import capture as kit
from pipeline.kit.capture import Captured, Checked
from pipeline.ports.engine import BuildStep
from pipeline.scope import Scope

What = Literal["base", "package", "account", "file", "link", "folder", "access", "removed",
               "setting", "left out"]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One thing in which the container differs from its image, and what becomes of it."""

    what: What
    name: str
    detail: str = ""


def look(workspace: Workspace, container: str, scope: Scope) -> Captured:
    """Look at a container, by name or id, of anybody; it is left as it is.

    Raises:
        NotFound: there is none.
    """
    return kit.capture(workspace.ports.engine, container, scope)


def write(workspace: Workspace, captured: Captured, folder: str | None, scope: Scope) -> Path:
    """Write the Dockerfile and what belongs to it; ``folder`` None: one called as the container.

    Returns the folder.

    Raises:
        UsageError: there is something in the folder.
        StageFailed: it cannot be written.
    """
    target = workspace.request.directory / (folder or captured.evidence.container.name)
    kit.write(captured, target, workspace.ports.engine, scope)
    return target


def rebuild(
    workspace: Workspace, captured: Captured, folder: Path, tell: Callable[[str], None],
    scope: Scope,
) -> tuple[Captured, Checked]:  # fmt: skip
    """Build what was written, and compare it with the container; ``tell`` gets the build's steps.

    Raises:
        StageFailed: the build failed.
    """
    return kit.rebuild(captured, folder, workspace.ports.engine, _Steps(tell), scope)


class _Steps:
    """Tells what a build does."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def step(self, step: BuildStep) -> None:
        if step.state == "started":
            self._tell(step.name)

    def line(self, step: str, text: str) -> None:
        """Of no interest as long as all goes well; an error has its last lines."""

    def notice(self, message: str, hint: str) -> None:
        self._tell(f"{message} ({hint})" if hint else message)


def explain(captured: Captured) -> Iterator[Row]:
    """Everything that was found, in the order of the Dockerfile, and last what is left out."""
    plan = captured.plan
    yield Row("base", plan.base)
    for name in (*plan.packages, *plan.recommended):
        yield Row("package", f"{name}={plan.versions[name]}", "apt")
    for site in plan.sites:
        for dist in site.wanted:
            yield Row("package", dist.requirement, f"{site.pip}, in {site.folder}")
    for program in plan.node.programs:
        yield Row("package", program, "npm, global")
    for folder, command in plan.node.apps:
        yield Row("package", f"{folder}/node_modules", command)
    for command in plan.accounts.commands:
        yield Row("account", command)
    for path, entry in plan.entries.items():
        kind: What = (
            "link" if entry.kind == "link" else "folder" if entry.kind == "folder" else "file"
        )
        yield Row(kind, path, f"to {entry.link}" if entry.link else _access(captured, path))
    for path in plan.tuned:
        yield Row("access", path, _access(captured, path))
    for path in (*plan.purged, *plan.removed):
        yield Row("removed", path)
    for instruction in plan.started.instructions:
        yield Row("setting", instruction.keyword)
    for variable in plan.started.secrets:
        yield Row("left out", variable, "a variable that looks like a secret")
    for name in plan.started.unsayable:
        yield Row("left out", name, "a Dockerfile cannot say its value")
    for mount in captured.evidence.container.mounts:
        yield Row("left out", mount.target, f"a mount: {mount.kind} {mount.source}".rstrip())
    for left in plan.left:
        for path in left.paths:
            yield Row("left out", path, left.why)


def _access(captured: Captured, path: str) -> str:
    entry = captured.evidence.now.entries[path]
    return f"{captured.evidence.owner(entry) or 'root:root'} {entry.mode:04o}"
