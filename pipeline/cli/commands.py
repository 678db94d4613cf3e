"""All commands; importing this module adds them, in the order of the help text."""

from pipeline.cli import (  # isort: skip
    start, dockerfile, lint, capture, work, watching, serve, look, record, keep, supervise, image,
    registry,
)  # fmt: skip

__all__ = [
    "capture", "dockerfile", "image", "keep", "lint", "look", "record", "registry", "serve",
    "start", "supervise", "watching", "work",
]  # fmt: skip
