"""Keeping live releases as recorded: what is wrong, what mends it, and when to stop trying.

The rules only; ``pipeline.app.supervise`` listens to the engine and calls them.
"""

from pipeline.kit.supervision.budget import Budget, Limits
from pipeline.kit.supervision.happening import KEEPS, Happening
from pipeline.kit.supervision.keeper import Keeper
from pipeline.kit.supervision.notes import Note, forget, notes, standing
from pipeline.kit.supervision.wanted import FRONT

__all__ = [
    "FRONT",
    "KEEPS",
    "Budget",
    "Happening",
    "Keeper",
    "Limits",
    "Note",
    "forget",
    "notes",
    "standing",
]
