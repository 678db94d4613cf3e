"""Whole commands on an engine in memory."""

from tests.unit.cli.conftest import desk, engine

__all__ = ["desk", "engine"]
