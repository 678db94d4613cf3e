"""Telling people, or programs, how a run ended and how a release is: webhooks and commands."""

from pipeline.kit.notifying.hooks import OCCASIONS, Hook, Occasion, forget, publish, read
from pipeline.kit.notifying.message import Message
from pipeline.kit.notifying.sending import Sender

__all__ = [
    "OCCASIONS", "Hook", "Message", "Occasion", "Sender", "forget", "publish", "read",
]  # fmt: skip
