"""Typed evidence: what stages take and what they make.

Artifacts are frozen and serialise to JSON, so a record of a run is its artifacts. Whatever can
exist once per service is a mapping by service name; a single container is the mapping with one
entry, named ``app``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SINGLE = "app"
"""The service name of a project that is one container."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Artifact(Frozen):
    """Base of all evidence."""

    def summary(self) -> str:
        """One line for people."""
        return ""


class Source(Artifact):
    """The code as it was taken. ``content`` hashes exactly what a build can see of it."""

    path: str
    """Absolute directory of the app."""
    root: str
    """Absolute top directory of what ``path`` is a part of; equals ``path`` without git."""
    repository: str | None = None
    """Absolute top directory of the git work tree that commits go to, with the same paths as below
    ``root``: ``root`` itself, but for an export (``clean: true``). None without git."""
    content: str
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    subject: str = ""
    author: str = ""
    committed: str = ""
    """Commit time, ISO 8601."""
    remote: str | None = None
    """URL without credentials."""
    versions: tuple[str, ...] = ()
    """Semantic versions from git tags at the commit, newest first, without a leading ``v``."""
    managed: bool = False
    """True for a checkout that dockcycle made; False for the user's own work tree."""

    @property
    def short(self) -> str:
        return self.commit[:12] if self.commit else ""

    def summary(self) -> str:
        name = self.short or f"content {self.content[:12]}"
        return " ".join(
            p for p in (name, self.branch and f"on {self.branch}", self.dirty and "dirty") if p
        )


class CheckResult(Frozen):
    name: str
    command: str
    where: str = "host"
    exit_code: int
    seconds: float
    output: str = ""
    """The last lines of what it printed."""


class CheckReport(Artifact):
    """Results of the project's own checks (unit tests, linters), in order."""

    checks: tuple[CheckResult, ...] = ()

    def summary(self) -> str:
        count = len(self.checks)
        return f"{count} check{'s' * (count > 1)} passed" if count else "no checks"


class Finding(Frozen):
    """One remark of a linter. ``line`` is 1-based."""

    rule: str
    level: Literal["error", "warning", "info", "style"]
    message: str
    line: int = 0
    hint: str = ""


class DockerfileInfo(Frozen):
    """One Dockerfile. ``path`` and ``context`` are absolute; ``text`` is what is built."""

    path: str
    context: str
    origin: Literal["existing", "generated", "declared", "inline"]
    text: str
    blob: str
    """git blob id (SHA-1) of ``text``."""
    ignore_file: str | None = None
    """Absolute path of the .dockerignore in force."""
    findings: tuple[Finding, ...] = ()
    port: int | None = None
    """What the first EXPOSE of the last stage names."""


class Dockerfiles(Artifact):
    services: Mapping[str, DockerfileInfo]
    written: tuple[str, ...] = ()
    """Absolute paths of files that the stage wrote into the work tree, for ``track``."""

    def summary(self) -> str:
        origins = {info.origin for info in self.services.values()}
        count = len(self.services)
        noun = "Dockerfile" if count == 1 else "Dockerfiles"
        findings = sum(len(info.findings) for info in self.services.values())
        tail = f", {findings} lint findings" if findings else ""
        return f"{count} {noun} ({', '.join(sorted(origins))}){tail}"


class Image(Frozen):
    """A built (or pulled) image in the engine."""

    id: str
    """Image id as the engine gives it (``sha256:…``)."""
    tags: tuple[str, ...] = ()
    size: int = 0
    """Bytes, uncompressed."""
    platforms: tuple[str, ...] = ()
    built: bool = True
    """False for an image that was only pulled (a database of a Compose file)."""


class Images(Artifact):
    services: Mapping[str, Image]
    engine: str = ""
    """Id of the engine that has them."""

    def summary(self) -> str:
        built = [image for image in self.services.values() if image.built]
        if len(built) == 1:
            return f"{built[0].id[7:19]} {built[0].size / 1e6:.0f} MB"
        return f"{len(built)} images"


class Endpoint(Frozen):
    """Where a container's port is reached from here."""

    host: str
    port: int
    site: str = ""
    """What it is asked as, such as ``https://app.example.org``; empty for http and ``host``."""


class ServiceState(Frozen):
    """A service of the running candidate."""

    container: str
    """Container id; for one that is scaled, the first."""
    name: str
    image: str
    """Image id that the container really runs."""
    endpoints: Mapping[int, Endpoint] = {}
    """Container port → address."""
    one_shot: bool = False
    """Ended well, as it should."""


class App(Artifact):
    """The new version, running. ``spec`` is what it was started from, secrets as references."""

    kind: Literal["container", "compose"]
    services: Mapping[str, ServiceState]
    spec: Mapping[str, Any]
    """A ``ContainerSpec`` or a resolved Compose model, as JSON."""
    environment: str = ""
    """Hash over the values of the environment, secrets included."""
    in_place: bool = False
    """True when this is not a candidate but the app itself (a pipeline without ``operate``)."""
    main: str = SINGLE
    """The service that smoke checks and links mean when none is named."""
    url: str = ""

    def summary(self) -> str:
        count = len(self.services)
        what = "container" if count == 1 else "services"
        if not self.in_place:  # its address ends with the run
            return f"{count} {what}, to be tested"
        return f"{count} {what}" + (f" at {self.url}" if self.url else "")


class SmokeResult(Frozen):
    name: str
    passed: bool
    advisory: bool = False
    seconds: float
    attempts: int = 1
    message: str = ""


class SmokeReport(Artifact):
    """What was asked of which images, and what they answered."""

    images: Mapping[str, str]
    """Service → image id that was tested."""
    results: tuple[SmokeResult, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    """The checks themselves, so that operate and rollback can ask again."""

    def summary(self) -> str:
        passed = sum(result.passed for result in self.results)
        return f"{passed} of {len(self.results)} checks passed"


class PushedImage(Frozen):
    """One image in one registry (or archive), read back after the push."""

    ref: str
    """Repository with tag: ``host/name:tag``; a file path for an archive."""
    digest: str
    """Manifest digest, ``sha256:…``; of the file for an archive."""
    config: str = ""
    """Config digest in the manifest."""
    image: str
    """Image id in the engine that was pushed."""


class PushedImages(Artifact):
    services: Mapping[str, tuple[PushedImage, ...]]

    def summary(self) -> str:
        refs = [pushed.ref for images in self.services.values() for pushed in images]
        if not refs:
            return "nothing to push"
        return refs[0] + (f" and {len(refs) - 1} more" if len(refs) > 1 else "")


class GitRecord(Artifact):
    """What ``track`` wrote to git."""

    commit: str | None = None
    """The commit that holds the tracked files; None outside git, or before the first commit."""
    created: bool = False
    """False when there was nothing to commit."""
    tag: str | None = None
    branch: str | None = None
    remote: str | None = None
    pushed: bool = False
    url: str | None = None

    def summary(self) -> str:
        if self.commit is None:
            return "nothing to track"
        parts = [f"{'committed' if self.created else 'unchanged at'} {self.commit[:12]}"]
        if self.tag:
            parts.append(f"tag {self.tag}")
        if self.pushed:
            parts.append(f"pushed to {self.remote}")
        return ", ".join(parts)


class Handover(Frozen):
    """How a release takes over behind the front; seconds."""

    drain: float = 30.0
    """What requests that the old one still answers may take."""
    soak: float = 5.0
    """How long it has to answer well before the old one goes."""
    service: str = ""
    """Of a Compose project: the one service that is behind the front."""
    ports: tuple[Mapping[str, Any], ...] = ()
    """Of a Compose project: what the front publishes in the service's place, as ``Port`` in JSON.
    A single container's are in its specification."""
    domains: tuple[str, ...] = ()
    """Host names that the engine's gate leads to it."""
    domain_port: int = 0
    """The container port that they lead to."""
    tls: bool = True
    """Are they served over HTTPS? Else something before the engine does that."""
    acme: Mapping[str, str] = {}
    """Who signs the certificates, if somebody was named."""


class Release(Artifact):
    """What ``operate`` made live, whole enough to bring it back without registry or source."""

    id: str
    """``r1``, ``r2``, …: counted per project on the engine that serves."""
    project: str
    run: str
    created: str
    """ISO 8601, UTC."""
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    dockerfiles: Mapping[str, str] = {}
    """Service → git blob id."""
    kind: Literal["container", "compose"] = "container"
    images: Mapping[str, str]
    """Service → image id."""
    digests: Mapping[str, tuple[str, ...]] = {}
    """Service → ``repository@sha256:…`` of every push."""
    tags: Mapping[str, tuple[str, ...]] = {}
    """Service → references that it was pushed under."""
    spec: Mapping[str, Any]
    """Rendered run or Compose specification, secrets as references."""
    environment: str = ""
    main: str = SINGLE
    """The service that checks and links mean when none is named."""
    smoke: SmokeReport | None = None
    url: str = ""
    handover: Handover | None = None
    """Its container is behind the project's front; None: it publishes its ports itself."""
    gap: float | None = None
    """Seconds during which nothing served while this release took over."""
    engine: str = ""
    """The engine that serves it, as pipeline.yml names it; empty for the one that built it."""

    def summary(self) -> str:
        parts = [self.id, f"live at {self.url}" if self.url else "live"]
        if self.engine:
            parts.append(f"on {self.engine}")
        if self.gap is not None:
            parts.append(f"gap {self.gap:.2f} s" if self.gap else "no gap")
        return ", ".join(parts)


BUILT_IN: tuple[type[Artifact], ...] = (
    Source, CheckReport, Dockerfiles, Images, App, SmokeReport, PushedImages, GitRecord, Release,
)  # fmt: skip

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
