"""Smoke checks: what can be asked of a running app, and asking it.

Used by the smoke stage for the candidate, and by operate and rollback for what went live.
"""

from pipeline.kit.checks.defaults import default_checks
from pipeline.kit.checks.lists import Checks, dump, load, read_only
from pipeline.kit.checks.models import BaseCheck, Check, HttpCheck, TcpCheck
from pipeline.kit.checks.session import Patience, run_checks, running_images

__all__ = [
    "BaseCheck", "Check", "Checks", "HttpCheck", "Patience", "TcpCheck", "default_checks", "dump",
    "load", "read_only", "run_checks", "running_images",
]  # fmt: skip
