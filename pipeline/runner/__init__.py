"""Carries a plan out: threads, deadlines, attempts, cleanup, events, the journal."""

from pipeline.runner.bus import EventBus
from pipeline.runner.journal import StoreJournal, Unrecorded
from pipeline.runner.masking import Masker
from pipeline.runner.outcome import RunResult
from pipeline.runner.runner import Identity, Runner

__all__ = ["EventBus", "Identity", "Masker", "RunResult", "Runner", "StoreJournal", "Unrecorded"]
