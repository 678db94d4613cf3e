"""Releases: what is live, what can come back, and how one takes over from another.

The engine that serves remembers (``ledger``); the local store is not asked.
"""

from pipeline.kit.releases.beside import swaps_without_gap
from pipeline.kit.releases.converging import converge
from pipeline.kit.releases.describe import (
    describe_release,
    pushed_digests,
    same_content,
    tested_images,
)
from pipeline.kit.releases.fleet import KEEP_ALL, Part, held, roll_out, shared_id
from pipeline.kit.releases.fronted_switch import FrontedSwitch
from pipeline.kit.releases.golive import WentLive, go_live, is_serving, tidy
from pipeline.kit.releases.images import protecting_tag, started_by_hand, unprotect
from pipeline.kit.releases.kinds import switch_for
from pipeline.kit.releases.ledger import Activation, Ledger, number_of
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.verify import Verifier, verifier

__all__ = [
    "KEEP_ALL",
    "Activation",
    "FrontedSwitch",
    "Ledger",
    "Part",
    "Site",
    "Verifier",
    "WentLive",
    "converge",
    "describe_release",
    "go_live",
    "held",
    "is_serving",
    "number_of",
    "protecting_tag",
    "pushed_digests",
    "roll_out",
    "same_content",
    "shared_id",
    "started_by_hand",
    "swaps_without_gap",
    "switch_for",
    "tested_images",
    "tidy",
    "unprotect",
    "verifier",
]
