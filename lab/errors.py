"""The one failure that the lab reports to people."""


class LabError(Exception):
    """Something the lab needs cannot be had; the text says what, and what to do about it."""
