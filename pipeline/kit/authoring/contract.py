"""What an author of Dockerfiles is: one small class per ecosystem.

Adding one means writing an ``Ecosystem`` and listing it in ``pipeline.kit.authoring``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationInfo, field_validator

from pipeline.artifacts import Frozen
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import Dockerfile
from pipeline.kit.units import PortNumber, Scalar


class Wishes(Frozen):
    """What the user has decided; every other decision is the author's."""

    python: Scalar | None = None
    """Version of Python."""
    node: Scalar | None = None
    """Version of Node.js."""
    go: Scalar | None = None
    """Version of Go."""
    rust: Scalar | None = None
    """Version of Rust."""
    java: Scalar | None = None
    """Version of Java."""
    php: Scalar | None = None
    """Version of PHP."""
    ruby: Scalar | None = None
    """Version of Ruby."""
    dotnet: Scalar | None = None
    """Version of .NET."""
    deno: Scalar | None = None
    """Version of Deno."""
    static: str | None = None
    """Folder of files that are served as they are; ``.`` is the app's own."""
    shell: str | None = None
    """Script that is the app."""
    app: str | None = None
    """Folder of the package that is the app, in a workspace of several."""
    start: str | tuple[str, ...] | None = None
    """Command that starts the app; a string is split as a shell would."""
    port: PortNumber | None = None
    packages: tuple[str, ...] = ()
    """Debian packages that the running app needs."""

    @field_validator("python", "go", "rust")
    @classmethod
    def _quoted(cls, version: str | None, info: ValidationInfo) -> str | None:
        """YAML makes 3.1 of 3.10, and no such old version has an image."""
        oldest = {"python": "3.1", "go": "1.2", "rust": "1.9"}[str(info.field_name)]
        if version == oldest:
            raise ValueError(f'write the version in quotes: {info.field_name}: "{version}0"')
        return version


@dataclass(frozen=True)
class Reason:
    """Why a decision is what it is. ``file`` and ``line`` are where it was found, if anywhere."""

    subject: str
    """Such as ``python`` or ``start``."""
    value: str
    because: str
    file: str = ""
    line: int | None = None
    doubtful: bool = False
    """Worth a look by the user: something was passed over or guessed."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.subject}: {self.value} ({self.because}{f', {place}' if place else ''})"


@dataclass
class Reasons:
    """Collects reasons while an author decides."""

    found: list[Reason] = field(default_factory=list)

    def note(
        self, subject: str, value: object, because: str, file: str = "", *,
        line: int | None = None, doubtful: bool = False,
    ) -> None:  # fmt: skip
        self.found.append(Reason(subject, str(value), because, file, line, doubtful))


@dataclass(frozen=True)
class Authored:
    """A Dockerfile with the reasons for all of its decisions."""

    ecosystem: str
    dockerfile: Dockerfile
    reasons: tuple[Reason, ...]
    port: int | None = None
    """None for an app that listens on none."""


class Ecosystem(Protocol):
    """Stateless: both methods read only the tree, and the same tree gives the same result."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str:
        """The field of ``Wishes`` that asks for a version of it."""

    @property
    def looks_for(self) -> tuple[str, ...]:
        """Files that it knows an app by, for messages."""

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        """Why this is an app of the ecosystem, ``doubtful`` if another one's word counts more; None
        when it is not."""

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        """The Dockerfile for an app that was recognised.

        Raises:
            StageFailed: something essential cannot be told from the files, or a file is broken.
        """
