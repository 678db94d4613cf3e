"""All commands; importing this module adds them, in the order of the help text."""

from pipeline.cli import start, dockerfile, work, serve, look, record, keep, image, registry  # isort: skip

__all__ = ["dockerfile", "image", "keep", "look", "record", "registry", "serve", "start", "work"]
