"""Something that a user should be told about how their app was started."""

from __future__ import annotations

from pipeline.artifacts import Frozen


class Note(Frozen):
    message: str
    hint: str = ""
    key: str = ""
    """Dotted path of the setting that it is about: ``run.volumes``, ``services.db.volumes``."""
