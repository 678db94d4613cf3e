"""The gate: what has ports 80 and 443 of an engine, for all projects that name a domain."""

from pipeline.kit.gate.domains import parse_domains
from pipeline.kit.gate.gate import NAME, Acme, Gate, GateState

__all__ = ["NAME", "Acme", "Gate", "GateState", "parse_domains"]
