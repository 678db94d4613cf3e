"""Writing files into a work tree."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pipeline.errors import StageFailed


def replace_text(path: Path, text: str, hint: str = "") -> None:
    """Write aside, then rename: at any moment the old file or the new one is there, whole. The mode
    of a file that is there stays; a link stays one.

    Raises:
        StageFailed: it cannot be written.
    """
    path = path.resolve() if path.is_symlink() else path
    aside = path.with_name(f".{path.name}.dockcycle")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        if path.is_file():
            aside.chmod(path.stat().st_mode)
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StageFailed(
            f"{path} cannot be written: {error.strerror}",
            hint=hint or "Make its folder writable.",
        ) from error
