"""Releases: what is live, what can come back, and how one takes over from another.

The engine that serves remembers (``ledger``); the local store is not asked.
"""

from pipeline.kit.releases.ledger import Activation, Ledger

__all__ = ["Activation", "Ledger"]
