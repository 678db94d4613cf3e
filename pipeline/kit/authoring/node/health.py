"""Health checks by the runtime itself, which every image for Node.js and Bun has."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.kit.authoring import probes
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.sources import Found


def choose(route: Found | None, reasons: Reasons, *, bun: bool) -> Sequence[str]:
    program = "bun" if bun else "node"
    return probes.choose(lambda path: (program, "-e", _asks(path)), route, reasons)


def _asks(path: str) -> str:
    return (
        f"fetch('http://127.0.0.1:' + process.env.PORT + '{path}')"
        ".then((r) => process.exit(r.status < 500 ? 0 : 1), () => process.exit(1))"
    )
