"""Every failure a user can meet, with its exit code and its remedy on the error itself.

Foreign exceptions are translated into these at the adapter's edge; nothing else in the project
tells errors apart by their text.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Self


class Exit(IntEnum):
    """Exit codes of the command, as documented in docs/commands.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BUG = 3
    UNUSABLE = 4
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Location:
    """A place in a file: 1-based line and column; ``key`` is the dotted path of a YAML key.

    ``file`` is absolute, or starts in the working directory: the line is quoted from there.
    """

    file: str
    line: int | None = None
    column: int | None = None
    key: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} ({self.key})" if self.key else place

    def within(self, folder: Path) -> Location:
        """The place, of a file that was named from ``folder`` on."""
        return replace(self, file=str(folder / self.file))


class DockcycleError(Exception):
    """A failure with a cause (``message``), a next step (``hint``) and evidence (``detail``).

    ``detail`` holds lines of foreign output, such as the last lines of a container's log; it is
    raw and passes through the renderers' sanitising like every foreign text.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(
        self, message: str, *, hint: str = "", detail: str = "", where: Location | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail
        self.where = where

    def about(self, subject: str) -> Self:
        """The same failure, with what it is about (a service, say) put before its message."""
        self.message = f"{subject}: {self.message}"
        self.args = (self.message,)
        return self


class UsageError(DockcycleError):
    """The command line asks for something that makes no sense."""

    exit_code = Exit.USAGE


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration file."""

    message: str
    where: Location
    hint: str = ""


class ConfigError(DockcycleError):
    """One or more mistakes in a configuration file, all of them found in one pass."""

    exit_code = Exit.USAGE

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(
            f"{first.where}: {first.message}{more}", hint=first.hint, where=first.where
        )
        self.problems = tuple(problems)


class StageFailed(DockcycleError):
    """A stage did its work and the result is bad: a check failed, a build broke."""


class DeadlineExceeded(StageFailed):
    """Something did not finish in the time it was given."""


class Cancelled(DockcycleError):
    """The run was interrupted; ``exit_code`` says by which signal."""

    exit_code = Exit.INTERRUPTED

    def __init__(self, message: str = "interrupted", *, exit_code: Exit = Exit.INTERRUPTED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Unusable(DockcycleError):
    """Something outside that dockcycle needs does not work: engine, registry, git, disk."""

    exit_code = Exit.UNUSABLE


_LACKING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})


def of_the_machine(error: OSError) -> Unusable | None:
    """What the machine lacks (space, file handles), wherever it shows; None for an error that says
    anything else."""
    if error.errno not in _LACKING:
        return None
    what = f"{error.filename}: " if error.filename else ""
    return Unusable(f"{what}{error.strerror}", hint="`dockcycle doctor` looks at this machine.")


class EngineUnavailable(Unusable):
    """The Docker engine does not answer, or is too old for what is asked."""


class EngineRefused(DockcycleError):
    """The engine answered and said no, such as a name in use or a mount that is not there."""


class PortTaken(EngineRefused):
    """A host port that the app wants is in use by something else."""


class NotFound(DockcycleError):
    """A named object (image, container, release, run) does not exist."""


class RegistryUnavailable(Unusable):
    """A registry does not answer, or keeps answering with errors.

    ``retry_after`` is how many seconds it asks to be left alone (HTTP 429), if it says so.
    """

    def __init__(
        self, message: str, *, hint: str = "", detail: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.retry_after = retry_after


class RegistryDenied(Unusable):
    """A registry refuses the credentials, or has none (HTTP 401 and 403)."""


class GitUnusable(Unusable):
    """git, the repository or its remote does not do what is asked."""


class GitRejected(Unusable):
    """A git server's hook or protection refused a push."""


class StoreUnusable(Unusable):
    """The state directory cannot be read or written."""


class Locked(Unusable):
    """Another run of the same project is under way."""
