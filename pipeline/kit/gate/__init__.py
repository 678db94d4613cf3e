"""The gate: what has ports 80 and 443 of an engine, for all projects that name a domain."""

from pipeline.kit.gate.acme import Acme, AcmeOptions
from pipeline.kit.gate.caddy import entry
from pipeline.kit.gate.container import NAME
from pipeline.kit.gate.domains import parse_domains
from pipeline.kit.gate.gate import FRONTS, Gate
from pipeline.kit.gate.state import GateState

__all__ = [
    "FRONTS", "NAME", "Acme", "AcmeOptions", "Gate", "GateState", "entry", "parse_domains",
]  # fmt: skip
