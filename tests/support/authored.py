"""A Dockerfile for a few files, and why it is as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.adapters.shell import LocalShell
from pipeline.kit import authoring
from pipeline.kit.authoring import Authored, Wishes
from pipeline.kit.dockerfile import hadolint, lint, render
from pipeline.scope import Scope


@dataclass(frozen=True)
class Made:
    authored: Authored

    @property
    def text(self) -> str:
        return render(self.authored.dockerfile)

    @property
    def port(self) -> int | None:
        return self.authored.port

    @property
    def command(self) -> str:
        """The line with CMD."""
        return self.text.rstrip("\n").rpartition("\n")[2]

    @property
    def froms(self) -> list[str]:
        return [line.split()[1] for line in self.text.splitlines() if line.startswith("FROM ")]

    def why(self, subject: str) -> str:
        """All reasons about ``subject``."""
        return "\n".join(map(str, (r for r in self.authored.reasons if r.subject == subject)))

    def doubts(self) -> list[str]:
        return [reason.subject for reason in self.authored.reasons if reason.doubtful]

    def told(self) -> str:
        """All that is worth a look: value and reason, one a line."""
        reasons = (each for each in self.authored.reasons if each.doubtful)
        return "\n".join(f"{each.value}: {each.because}" for each in reasons)


def made(folder: Path, files: Mapping[str, str], **wishes: Any) -> Made:
    """Write ``files`` into ``folder`` and author the Dockerfile, with which every linter agrees."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    found = Made(authoring.author(folder, Wishes(**wishes)))
    foreign = hadolint.check(found.text, [], LocalShell(), Scope(60))
    assert lint.merge(lint.own_findings(found.text), foreign) == ()
    return found
