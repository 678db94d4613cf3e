"""Does the Dockerfile make the container again? It is built, and the files are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.kit.capture import leave
from pipeline.kit.capture.evidence import Evidence, marks, unstarted
from pipeline.kit.capture.plan import Plan
from pipeline.kit.capture.snapshot import Snapshot, read
from pipeline.ports.engine import BuildListener, BuildRequest, Engine
from pipeline.scope import Scope


@dataclass(frozen=True)
class Checked:
    """How the rebuilt image differs from the container, traces and what was left out aside."""

    extra: tuple[str, ...] = ()
    """Paths that only the image has: packages make what somebody took away in the container."""
    missing: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    """Of another content, kind, owner or mode."""


def check(
    evidence: Evidence, plan: Plan, folder: Path, engine: Engine, listener: BuildListener,
    scope: Scope,
) -> Checked:  # fmt: skip
    """Build ``folder`` and compare; the image is removed again, its layers stay in the cache.

    Raises:
        StageFailed: the build failed.
    """
    request = BuildRequest(
        context=str(folder), dockerfile_text=(folder / "Dockerfile").read_text("utf-8"),
        labels=marks(),
    )  # fmt: skip
    image = engine.build(request, listener, scope)
    try:
        with unstarted(engine, image.id) as container:
            rebuilt = read(
                engine.export(container, scope),
                hashed=lambda path: path in evidence.kinds, kept=lambda path: False,
            )  # fmt: skip
    finally:
        engine.remove_image(image.id)
    return compare(evidence, plan, rebuilt)


def compare(evidence: Evidence, plan: Plan, rebuilt: Snapshot) -> Checked:
    """Of folders that differ as a whole only the folder is told."""
    aside = {path for left in plan.left for path in left.paths}
    aside |= {mount.target for mount in evidence.container.mounts}
    now = evidence.now.entries

    def counts(path: str) -> bool:
        return not (
            path in aside
            or leave.trace(path)
            or leave.trace(f"{path}/")
            or plan.node.covers(path, "")
            or any(site.covers(path) for site in plan.sites)
            or any(above in aside for above in leave.above(path))
        )

    both = [path for path in evidence.kinds if path in now and path in rebuilt.entries]
    different = [
        path
        for path in both
        if (now[path].content, now[path].access)
        != (rebuilt.entries[path].content, rebuilt.entries[path].access)
    ]
    return Checked(
        extra=tuple(_tops(filter(counts, rebuilt.entries.keys() - now.keys()))),
        missing=tuple(
            _tops(filter(counts, evidence.kinds.keys() & now.keys() - rebuilt.entries.keys()))
        ),
        different=tuple(sorted(filter(counts, different))),
    )


def _tops(paths: Iterator[str]) -> Iterator[str]:
    """In order, without what is below another one."""
    found = set(paths)
    return (path for path in sorted(found) if not any(a in found for a in leave.above(path)))
