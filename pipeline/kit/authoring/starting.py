"""What decides how an app is started, and on which port, where no language has a say of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.kit.authoring import ports, procfile
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree


@dataclass(frozen=True)
class Said:
    """A start command that somebody wrote down."""

    command: str | tuple[str, ...]
    listens: bool = True
    """False for a process that a Procfile calls anything but ``web``."""

    @property
    def text(self) -> str:
        return self.command if isinstance(self.command, str) else shlex.join(self.command)

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        words = self.text.split()
        return words[0].rpartition("/")[2] if words else ""

    def with_program(self, program: str) -> str | tuple[str, ...]:
        """The same command with another program in the place of its own."""
        if isinstance(self.command, tuple):
            return (program, *self.command[1:])
        return " ".join([program, *self.command.split(maxsplit=1)[1:]])


def said(tree: Tree, wishes: Wishes, reasons: Reasons) -> Said | None:
    """The first of: the user's word, the Procfile."""
    if wishes.start is not None:
        found = Said(wishes.start)
        reasons.note("start", found.text, "asked for by `start:`", "pipeline.yml")
        return found
    process = procfile.main(tree)
    if process is None:
        return None
    because = f"the process {process.name}"
    reasons.note("start", process.command, because, "Procfile", line=process.line)
    return Said(process.command, process.listens)


def port(
    sources: Sources, wishes: Wishes, reasons: Reasons, *, command: str | Sequence[str],
    patterns: Sequence[re.Pattern[str]], usual: int | None,
) -> int | None:  # fmt: skip
    """The first of: the user's word, the command, the code, ``usual``. None: it has no port."""
    text = command if isinstance(command, str) else " ".join(command)
    if wishes.port is not None:
        reasons.note("port", wishes.port, "asked for by `port:`", "pipeline.yml")
        return wishes.port
    if (fixed := ports.in_command(text)) is not None:
        reasons.note("port", fixed, "the start command says so")
        return fixed
    if found := sources.first(*patterns):
        reasons.note("port", found.value, "the code says so", found.file, line=found.line)
        return int(found.value)
    if usual is None:
        reasons.note("port", "none", "nothing says that it listens")
    else:
        reasons.note("port", usual, "usual for this kind of app")
    return usual
