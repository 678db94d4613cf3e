"""The local store: the history of runs in one SQLite file per user.

It can be lost without harm to what is live, which the engine itself remembers.
"""

from pipeline.store.database import Database
from pipeline.store.home import Home
from pipeline.store.locks import REPAIR, LockHolder, ProjectLock
from pipeline.store.records import RunRecord, StageRecord
from pipeline.store.store import Store

__all__ = [
    "REPAIR",
    "Database",
    "Home",
    "LockHolder",
    "ProjectLock",
    "RunRecord",
    "StageRecord",
    "Store",
]
