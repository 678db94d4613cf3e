"""Smoke checks as they are written in pipeline.yml and kept in a SmokeReport.

Every kind of check is a model; the key that says what is asked (``get``, ``exec``, ``tcp``, …)
tells the kinds apart.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from pipeline.artifacts import Frozen
from pipeline.kit.checks.fields import Argv, CaptureName, Path, Regex, RegexText, Statuses, Text
from pipeline.kit.json_path import JsonPath
from pipeline.kit.units import PortNumber, Scalar, Seconds, Timeout

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
PATIENCE = 10.0
_SAFE = {"get", "head", "options"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BaseCheck(Frozen):
    """What all checks have."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = ""
    service: str | None = None
    """The app's main service when none is named."""
    advisory: bool = False
    """A failure is told and stops nothing."""
    retry_for: Seconds | None = None
    """How long a wrong answer may still turn into a right one; by default 10 s, and not at all for
    requests that change something."""

    @property
    def harmless(self) -> bool:
        """Asking changes nothing in the app, so it may be asked again and again."""
        return True

    @property
    def patience(self) -> float:
        """Seconds from the first wrong answer in which a right one still counts."""
        return PATIENCE if self.retry_for is None else self.retry_for

    @property
    def title(self) -> str:
        return self.name or self.described

    @property
    def described(self) -> str:
        """The check in a few words, when it has no name."""
        raise NotImplementedError


class HttpExpect(Frozen):
    """What the answer must be. Without ``status`` it must be 2xx."""

    model_config = ConfigDict(populate_by_name=True)

    status: Statuses = ("2xx",)
    body: str | None = None
    """Contained in the body."""
    regex: Regex | None = None
    """Found in the body."""
    json_values: Mapping[JsonPath, Any] = Field(default={}, alias="json")
    headers: Mapping[str, Text | None] = {}
    """The value (up to its first ``;``, or whole), an expression found in it, or null: absent."""
    within: Timeout | None = None
    """Seconds from sending to the last byte of the answer."""


class HttpCheck(BaseCheck):
    get: Path | None = None
    head: Path | None = None
    post: Path | None = None
    put: Path | None = None
    patch: Path | None = None
    delete: Path | None = None
    options: Path | None = None
    port: PortNumber | None = None
    """Container port; the service's first one when none is named."""
    headers: Mapping[str, Scalar] = {}
    json_body: Any = Field(default=None, alias="json")
    body: str | None = None
    form: Mapping[str, Scalar] | None = None
    expect: HttpExpect = HttpExpect()
    capture: Mapping[CaptureName, JsonPath] = {}
    """Name → where the answer's JSON has the value, for ``{name}`` in later checks."""
    follow_redirects: bool = False

    @model_validator(mode="after")
    def _whole(self) -> HttpCheck:
        asked = [method for method in METHODS if getattr(self, method) is not None]
        if len(asked) != 1:
            kinds = ", ".join((*METHODS, *KINDS))
            fault = f"it has {' and '.join(asked)}" if asked else f"name one of {kinds}"
            raise ValueError(f"a check asks one thing: {fault}")
        bodies = self.model_fields_set & {"json_body", "body", "form"}
        if len(bodies) > 1:
            raise ValueError("a request has one of json, body and form")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or re.search(r"[\r\n\x00]", value):
                raise ValueError(f"{name[:40]!r} is not a header that can be sent")
        return self

    @property
    def method(self) -> str:
        return next(method for method in METHODS if getattr(self, method) is not None)

    @property
    def path(self) -> str:
        path: str = getattr(self, self.method)
        return path

    @property
    def harmless(self) -> bool:
        return self.method in _SAFE

    @property
    def patience(self) -> float:
        return super().patience if self.harmless or self.retry_for is not None else 0.0

    @property
    def described(self) -> str:
        return f"{self.method.upper()} {self.path}"


class ExecExpect(Frozen):
    exit_code: int = 0
    output: Text | None = None
    """Contained, or found, in what the command prints."""
    within: Timeout | None = None


class ExecCheck(BaseCheck):
    """A command inside the service's container."""

    exec: Argv
    expect: ExecExpect = ExecExpect()

    @property
    def harmless(self) -> bool:
        return False  # nobody knows what a command does

    @property
    def described(self) -> str:
        return f"exec {shlex.join(self.exec)}"


class TcpCheck(BaseCheck):
    """Something accepts connections at a container port."""

    tcp: PortNumber

    @property
    def described(self) -> str:
        return f"tcp {self.tcp}"


class LogCheck(BaseCheck):
    """The container's log has a line with the text."""

    log: Text

    @property
    def described(self) -> str:
        wanted = self.log.regex if isinstance(self.log, RegexText) else self.log
        return f"log {wanted!r}"


class CompletedCheck(BaseCheck):
    """A one-shot service has ended with 0."""

    completed: Literal[True]

    @property
    def described(self) -> str:
        return f"{self.service or 'app'} completed"


class RunningCheck(BaseCheck):
    """The container stays up, without a restart, for so long from when the checks began."""

    running: Seconds

    @property
    def described(self) -> str:
        return f"{self.service or 'app'} stays up for {self.running:g} s"


class HealthyCheck(BaseCheck):
    """Docker's own health check says healthy."""

    healthy: Literal[True]

    @property
    def described(self) -> str:
        return f"{self.service or 'app'} healthy"


KINDS: dict[str, type[BaseCheck]] = {
    "exec": ExecCheck,
    "tcp": TcpCheck,
    "log": LogCheck,
    "completed": CompletedCheck,
    "running": RunningCheck,
    "healthy": HealthyCheck,
}


def _kind(value: object) -> str:
    if isinstance(value, BaseCheck):
        return next((key for key, model in KINDS.items() if isinstance(value, model)), "http")
    keys = value if isinstance(value, Mapping) else ()
    return next((key for key in KINDS if key in keys), "http")


Check = Annotated[
    Annotated[HttpCheck, Tag("http")]
    | Annotated[ExecCheck, Tag("exec")]
    | Annotated[TcpCheck, Tag("tcp")]
    | Annotated[LogCheck, Tag("log")]
    | Annotated[CompletedCheck, Tag("completed")]
    | Annotated[RunningCheck, Tag("running")]
    | Annotated[HealthyCheck, Tag("healthy")],
    Discriminator(_kind),
]
