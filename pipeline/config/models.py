"""The file format as models: what pipeline.yml may hold, stage options aside."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from pipeline.config.entries import KEY_RULE
from pipeline.kit.names import ProjectName
from pipeline.kit.notifying import OCCASIONS, Occasion
from pipeline.kit.units import Scalar, Timeout


def _to_tuple(value: object) -> object:
    single = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return (value,) if single else value


Globs = Annotated[
    tuple[Scalar, ...], BeforeValidator(_to_tuple, json_schema_input_type=Scalar | list[Scalar])
]
"""Patterns such as ``main``, ``release/*`` or ``!release/old``; ``*`` matches slashes too."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class When(_Model):
    """Conditions that must all hold for a stage to run. A list holds when one of its patterns
    matches (or it has only negated ones) and none of its negated ones does."""

    branch: Globs = ()
    """Name of the branch, such as `main` or `release/*`; `!` negates."""
    tag: bool | Globs | None = None
    """`true`: only on a tag, `false`: never on one, or patterns for its name."""
    environment: Globs = ()
    """The overlay in use (`-e`)."""
    trigger: Globs = ()
    """What started the run: `cli`, `watch`, `webhook`, …"""

    def matches(
        self, *, branch: str | None, tag: str | None, environment: str, trigger: str
    ) -> str | None:
        """None when all conditions hold, else why not."""
        checks = (
            ("on branch", self.branch, branch or ""),
            ("in environment", self.environment, environment),
            ("by trigger", self.trigger, trigger),
        )
        for what, patterns, value in checks:
            if patterns and not _match(patterns, value):
                return _why_not(what, patterns, value)
        return self._tag_matches(tag)

    def _tag_matches(self, tag: str | None) -> str | None:
        if self.tag is None or self.tag == ():
            return None
        if isinstance(self.tag, bool):
            if self.tag == (tag is not None):
                return None
            return "only on a tag" if self.tag else f"not on a tag, this is {tag}"
        return None if tag and _match(self.tag, tag) else _why_not("on tag", self.tag, tag or "")


class Never(When):
    """``when: never``."""

    def matches(
        self, *, branch: str | None, tag: str | None, environment: str, trigger: str
    ) -> str | None:
        """Why not: always the same."""
        return "when: never"


ALWAYS = When()


def _match(patterns: tuple[str, ...], value: str) -> bool:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (not wanted or any(fnmatchcase(value, pattern) for pattern in wanted)) and not any(
        fnmatchcase(value, pattern) for pattern in unwanted
    )


def _why_not(what: str, patterns: tuple[str, ...], value: str) -> str:
    wanted = " or ".join(pattern for pattern in patterns if not pattern.startswith("!"))
    unwanted = " or ".join(pattern[1:] for pattern in patterns if pattern.startswith("!"))
    rule = " and ".join(filter(None, (wanted, unwanted and f"not {unwanted}")))
    return f"only {what} {rule}, this is {value or f'no {what.split()[1]}'}"


class EntryOptions(_Model):
    """Keys that every entry of `stages:` takes beside the stage's own options."""

    name: Annotated[str, Field(pattern=KEY_RULE)] | None = None
    """What this stage is called; needed for a second one of the same kind."""
    uses: str | None = None
    """The stage class: a registered name, `module:Class` or `./path.py:Class`."""
    when: Literal["always", "never"] | When = "always"
    """On which branch, tag, environment or trigger the stage runs."""
    timeout: Timeout | None = None
    """The longest that one attempt may take, such as `10m`."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """How often a failed stage is tried again."""
    allow_failure: bool = False
    """Go on when this stage fails."""

    @property
    def condition(self) -> When:
        if isinstance(self.when, When):
            return self.when
        return Never() if self.when == "never" else ALWAYS


def _short_or_one_key(schema: dict[str, Any]) -> None:
    """A secret may be written as the name of its variable; a mapping has exactly one key."""
    mapping = {**schema, "minProperties": 1, "maxProperties": 1}
    schema.clear()
    schema["anyOf"] = [{"type": "string", "minLength": 1}, mapping]


class SecretOptions(_Model):
    """Where the value of a secret comes from: exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=_short_or_one_key)

    env: Annotated[str, Field(min_length=1)] | None = None
    """Environment variable (or variable of `.env`) that holds the value."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """File that holds the value, relative to the pipeline file."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        return {"env": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one(self) -> SecretOptions:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret has either `env` or `file`")
        return self


_VARIABLE_RULE = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _check_secret_name(name: str) -> str:
    if re.search(_VARIABLE_RULE, name):
        return name
    raise ValueError(
        f"`{name}` is no name for a secret; use letters, digits and _, and begin with no digit"
    )


SecretName = Annotated[
    str,
    AfterValidator(_check_secret_name),
    WithJsonSchema({"type": "string", "pattern": _VARIABLE_RULE}),
]


class WebhookSecret(_Model):
    """A webhook whose address is a secret."""

    secret: SecretName
    """Name of the secret, as declared under `secrets:`."""


_KEYS = re.compile(r"(^|[.])(slack|discord|discordapp|webhook[.]office|chat[.]googleapis)[.]com$")
"""Hosts whose webhook addresses are keys: who has one may post."""


ADDRESS_IS_KEY = "this address is a secret in itself"


def _check_url(value: str | WebhookSecret) -> str | WebhookSecret:
    if isinstance(value, WebhookSecret):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a webhook is an http:// or https:// address, or `{secret: NAME}`")
    if parts.username or parts.password or _KEYS.search(parts.hostname):
        raise ValueError(ADDRESS_IS_KEY)
    return value


class NotifyOptions(_Model):
    """Who is told when something happens: a webhook or a command."""

    webhook: Annotated[str | WebhookSecret, AfterValidator(_check_url)] | None = None
    """Address that gets a JSON message, as Slack takes it; `{secret: NAME}` for one that is a
    secret."""
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Program with its arguments; it gets the event as JSON on its standard input."""
    on: Annotated[
        tuple[Occasion, ...],
        BeforeValidator(_to_tuple, json_schema_input_type=Occasion | list[Occasion]),
    ] = OCCASIONS
    """What it is told of: `success` and `failure` of runs, `degraded` and `recovered` by the
    supervisor; all without it."""

    @model_validator(mode="after")
    def _one(self) -> NotifyOptions:
        if (self.webhook is None) == (self.command is None):
            raise ValueError("who is told is either a `webhook` or a `command`")
        return self


class PipelineFile(_Model):
    """A pipeline: what is shipped, and the stages that ship it."""

    version: Literal[1] = 1
    """Version of this file's format."""
    name: ProjectName
    """Name of the project; containers, images and networks are named after it."""
    stages: Any = None
    """The stages in order; without it all eight run with their defaults."""
    secrets: dict[SecretName, SecretOptions] = {}
    """Secrets by name; values refer to them as `{secret:NAME}`."""
    notify: tuple[NotifyOptions, ...] = ()
    """Who is told how runs end, and when a release is degraded or has recovered."""
