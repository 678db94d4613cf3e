"""How the gate of an engine stands: its container, and the list of domains in its volume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.kit.gate.caddy import FOLDER, domain_of
from pipeline.kit.gate.claims import claims
from pipeline.kit.gate.container import OURS
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo, ExecResult
from pipeline.scope import Scope

QUICK = 20.0
"""Seconds for a command in its container."""


@dataclass(frozen=True)
class GateState:
    """How the gate of an engine stands."""

    engine: Engine

    def found(self) -> ContainerInfo | None:
        return next(iter(self.engine.containers(OURS)), None)

    def entries(self) -> set[str]:
        """What it leads where, as names of files (see ``caddy``); empty if it does not run."""
        info = self.found()
        if info is None or not info.running:
            return set()
        listed = self.run(info, ["ls", FOLDER])
        return set(listed.output.split()) if listed.exit_code == 0 else set()

    def drift(self, entries: Iterable[str]) -> str:
        """What keeps it from doing what they say; empty when nothing does."""
        info = self.found()
        if info is None:
            return "the gate is gone"
        if not info.running:
            return f"the gate is {info.state}"
        claimed = {claim.entry for claim in claims(self.engine)}
        wrong = sorted(set(entries) - (self.entries() & claimed))
        return f"the gate does not lead {domain_of(wrong[0])} here" if wrong else ""

    def sync(self, info: ContainerInfo) -> None:
        """Let its list say what the claims say."""
        # In this order: what is listed was claimed before, so another project's is never dropped.
        listed = self.entries()
        claimed = {claim.entry for claim in claims(self.engine)}
        if new := claimed - listed:
            self.engine.put(info.id, {f"{FOLDER}/{name}": b"" for name in new})
        self._drop(info, listed - claimed)

    def run(self, info: ContainerInfo, argv: list[str]) -> ExecResult:
        """Run a command in its container."""
        return self.engine.exec(info.id, argv, Scope(QUICK, what=f"`{argv[0]}` in the gate"))

    def _drop(self, info: ContainerInfo, names: Iterable[str]) -> None:
        paths = [f"{FOLDER}/{name}" for name in sorted(names)]
        if paths and info.running:
            self.run(info, ["rm", "-f", *paths])
