"""Carries a plan out: threads, deadlines, attempts, cleanup, events, the journal."""

from pipeline.runner.bus import EventBus
from pipeline.runner.journal import StoreJournal
from pipeline.runner.masking import Masker
from pipeline.runner.runner import Runner, RunResult

__all__ = ["EventBus", "Masker", "RunResult", "Runner", "StoreJournal"]
