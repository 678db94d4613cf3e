"""serve.yml as models: where to listen, and which repositories to run for."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from pipeline.config.models import Globs, SecretName, SecretOptions
from pipeline.kit.git_names import check_url
from pipeline.kit.names import ProjectName
from pipeline.kit.units import Timeout

SenderKind = Literal["github", "gitlab", "gitea", "bitbucket", "registry", "generic"]
SENDERS: tuple[SenderKind, ...] = get_args(SenderKind)
ReportKind = Literal["github", "gitlab", "gitea", "bitbucket"]
_WITH_PULLS: tuple[SenderKind, ...] = ("github", "gitlab", "gitea")
"""Senders that keep pull requests as refs of the repository itself."""

_ADDRESS = re.compile(r"(?:(?P<host>[^\[\]:/\s]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[0-9]{1,5})")


def _check_address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 <= int(found["port"]) <= 65535:
        raise ValueError(f'"{text}" is no address to listen at; write 127.0.0.1:8080')
    return text


def _check_origin(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", url):
        raise ValueError(f'"{url}" is no URL; write https://deploy.example.com')
    return url.rstrip("/")


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Address = Annotated[
    str,
    AfterValidator(_check_address),
    BeforeValidator(_as_text, json_schema_input_type=str | int),
]
"""``host:port``, or a port alone (of this machine only)."""
Origin = Annotated[str, AfterValidator(_check_origin)]
Senders = Annotated[
    tuple[SenderKind, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_more, json_schema_input_type=SenderKind | list[SenderKind]),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ReportOptions(_Model):
    """Where to say how a commit fared."""

    kind: ReportKind | None = None
    """Whose interface it is; that of `sender` without."""
    api: Origin | None = None
    """Its base URL, such as `https://git.example.com/api/v1`; the public one of `kind` without."""
    token: SecretName
    """The secret with its access token."""
    repository: str | None = None
    """`owner/name` there; taken from `repository` of the project without."""


class ServedProject(_Model):
    """One repository (or one environment of it)."""

    name: ProjectName
    """As the pipeline file names it, with the overlay; deliveries go to `/hooks/NAME`."""
    repository: Annotated[str, AfterValidator(check_url)]
    """What to fetch from; credentials as `https://{secret:NAME}@…`."""
    secret: SecretName
    """The secret that deliveries are signed with."""
    sender: Senders = ("github",)
    """Who sends deliveries, one or a list: `github`, `gitlab`, `gitea` (Forgejo too), `bitbucket`,
    `registry` (Docker Hub too), `generic`."""
    branches: Globs = ("main",)
    """Branches to run for: names or patterns; `!` negates. An empty list: none."""
    tags: Globs = ()
    """Tags to run for."""
    paths: Globs = ()
    """Run only if one of these files has changed."""
    images: Globs = ()
    """Base images whose push means a new build, such as `python:3.*`."""
    file: str | None = None
    """The pipeline file in the repository; `pipeline.yml` without."""
    environment: str | None = None
    """The overlay (`-e`)."""
    cancel: Literal["outdated", "never"] = "never"
    """`outdated`: a newer commit of the branch ends the run of an older one."""
    pull_requests: bool = False
    """Build and test pull requests, without secrets, push and deployment."""
    timeout: Timeout = 7200.0
    """The longest that one run may take."""
    report: ReportOptions | None = None
    """Where to say how a commit fared; nowhere without."""

    @model_validator(mode="after")
    def _belongs_together(self) -> ServedProject:
        if "registry" in self.sender and not self.images:
            raise ValueError("`sender: registry` needs `images:`, the base images that matter")
        if self.pull_requests and not set(self.sender) & set(_WITH_PULLS):
            raise ValueError(
                f"`pull_requests:` needs a sender that has them: {', '.join(_WITH_PULLS)}"
            )
        if self.report and self.report_kind is None:
            raise ValueError("`report:` needs `kind:`, since the sender has no such interface")
        if self.report and self.report_kind == "gitea" and self.report.api is None:
            raise ValueError("`report:` needs `api:`, such as https://git.example.com/api/v1")
        return self

    def wants_branch(self, name: str) -> bool:
        return matches(self.branches, name)

    def wants_tag(self, name: str) -> bool:
        return matches(self.tags, name)

    @property
    def report_kind(self) -> ReportKind | None:
        """Whose interface reports go to; None without any."""
        if self.report is None:
            return None
        told = next((kind for kind in get_args(ReportKind) if kind in self.sender), None)
        return self.report.kind or told


class ServeFile(_Model):
    """What `dockcycle serve` serves."""

    version: Literal[1] = 1
    """Version of this file's format."""
    listen: Address = "127.0.0.1:8080"
    """Host and port; a reverse proxy in front of it adds HTTPS."""
    url: Origin | None = None
    """Where people find this server; reports link to it."""
    token: SecretName | None = None
    """The secret that allows actions on the page; it is for looking only without."""
    projects: Annotated[tuple[ServedProject, ...], Field(min_length=1)]
    """The projects to run for."""
    poll: Timeout = 300.0
    """How often branches are compared, so that a push that was missed is made up."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    """How many projects may run at the same time."""
    secrets: dict[SecretName, SecretOptions] = {}
    """Secrets by name: `{env: VARIABLE}` or `{file: path}`."""

    @model_validator(mode="after")
    def _names_differ(self) -> ServeFile:
        names = [project.name for project in self.projects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two projects are called {twice[0]}")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        found = _ADDRESS.fullmatch(self.listen)
        if found is None:
            raise AssertionError("checked when the file was read")
        return (found["host"] or "127.0.0.1").strip("[]"), int(found["port"])


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Is ``name`` one of them, and none of the negated ones? Of no patterns nothing is."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (
        bool(patterns)
        and (not wanted or any(fnmatchcase(name, pattern) for pattern in wanted))
        and not any(fnmatchcase(name, pattern) for pattern in unwanted)
    )
