"""From a container that somebody set up by hand to the Dockerfile that makes it again.

``evidence`` looks at the container and its image; ``plan`` decides what of the difference is meant
(packages, configuration, pages) and what is only a trace of running (caches, logs); ``recipe``
makes a Dockerfile of it, and names the files that this one copies; ``check`` builds that and says
how the image differs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import StageFailed, UsageError
from pipeline.kit.capture.check import Checked, check
from pipeline.kit.capture.evidence import Evidence, evidence
from pipeline.kit.capture.plan import Left, Plan, plan
from pipeline.kit.capture.recipe import Recipe, recipe
from pipeline.kit.capture.settings import as_it_ran
from pipeline.kit.capture.snapshot import extract
from pipeline.kit.files import replace_text
from pipeline.ports.engine import BuildListener, Engine
from pipeline.scope import Scope

__all__ = ["Captured", "Checked", "Left", "Plan", "Recipe", "capture", "rebuild", "write"]

IGNORE = "*\n!files\n!requirements*.txt\n"


@dataclass(frozen=True)
class Captured:
    """What was found, decided and made of it."""

    evidence: Evidence
    plan: Plan
    recipe: Recipe

    @property
    def run_options(self) -> list[str]:
        """Options of ``docker run`` that it had and that are no part of an image."""
        return as_it_ran(self.evidence)


def capture(engine: Engine, name: str, scope: Scope) -> Captured:
    """Look at the container ``name`` (or id); nothing is written, and it is left as it is.

    Raises:
        NotFound: there is none.
    """
    found = evidence(engine, name, scope)
    decided = plan(found)
    return Captured(found, decided, recipe(found, decided))


def write(captured: Captured, folder: Path, engine: Engine, scope: Scope) -> list[str]:
    """Write the Dockerfile and the files beside it into ``folder``: all of it, or nothing.

    Returns the paths, relative to ``folder``.

    Raises:
        UsageError: there is something in the folder.
        StageFailed: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already", hint="Choose another folder with --to.")
    made = captured.recipe
    with _aside(folder) as new:
        extract(
            engine.export(captured.evidence.container.id, scope),
            {path: [new / name for name in names] for path, names in made.copied.items()},
        )
        for names in made.copied.values():
            for name in names:
                (new / name).chmod(0o755 if name in made.executable else 0o644)
        texts = {"Dockerfile": made.dockerfile, ".dockerignore": IGNORE, **made.texts}
        for name, text in texts.items():
            replace_text(new / name, text)
    return sorted([*texts, *(name for names in made.copied.values() for name in names)])


def rebuild(
    captured: Captured, folder: Path, engine: Engine, listener: BuildListener, scope: Scope
) -> tuple[Captured, Checked]:
    """Build what was written into ``folder`` and compare it with the container. What only the
    image has is taken away by the Dockerfile from now on, as somebody did in the container.

    Raises:
        StageFailed: the build failed; what was written stays.
    """
    checked = check(captured.evidence, captured.plan, folder, engine, listener, scope)
    if not checked.extra:
        return captured, checked
    decided = captured.plan.removing(checked.extra)
    better = replace(captured, plan=decided, recipe=recipe(captured.evidence, decided))
    replace_text(folder / "Dockerfile", better.recipe.dockerfile)
    return better, checked


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` that becomes it when all went well."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield aside
            aside.chmod(0o755)
            aside.replace(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise StageFailed(f"{folder} cannot be written: {error.strerror or error}") from error
