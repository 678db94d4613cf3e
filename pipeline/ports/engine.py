"""The container engine as stages see it: our own types, no more verbs than are used.

Adapters: ``pipeline.adapters.docker_engine`` (real) and ``pipeline.adapters.fake_engine``; one
contract suite (``tests/contract``) runs against both.

Every method may raise ``EngineUnavailable`` (no answer within the scope) and ``EngineRefused`` (the
engine's own no). Methods that wait take a ``Scope`` and raise what ``Scope.check`` raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from pydantic import Field

from pipeline.artifacts import Finding, Frozen
from pipeline.ports.registry import Auth
from pipeline.scope import Scope

OnLine = Callable[[str], None]
OnBytes = Callable[[int, int], None]
"""Takes how many bytes are done, of how many."""
"""Takes one line of foreign output, raw, without its line end."""


class EngineInfo(Frozen):
    id: str
    name: str
    version: str
    """Such as ``26.1.5``."""
    address: str
    """As the docker command found it: ``unix:///…``, ``ssh://…``, ``tcp://…``."""
    containerd_store: bool
    """With it an image id is a manifest digest, without it a config digest."""
    architecture: str
    """As in image platforms: ``amd64``, ``arm64``."""
    os: str


class Tools(Frozen):
    """Versions of the docker command's plugins on this machine; None without one."""

    buildx: str | None
    compose: str | None


class Health(Frozen):
    """Docker's own health check; durations in seconds, None where the engine's default holds."""

    test: tuple[str, ...] = ()
    """``CMD …``, ``CMD-SHELL …`` or ``NONE``; empty for a container keeps the image's own."""
    interval: float | None = None
    timeout: float | None = None
    start_period: float | None = None
    start_interval: float | None = None
    """Between checks within ``start_period``; engines before 25 do not know it."""
    retries: int | None = None


class Settings(Frozen):
    """What an image starts as; of a container, what it was started as."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = Field(default={}, repr=False)
    working_dir: str = ""
    user: str = ""
    ports: tuple[str, ...] = ()
    """Exposed, such as ``80/tcp``."""
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    health: Health | None = None
    stop_signal: str = ""
    shell: tuple[str, ...] = ()


class ImageInfo(Frozen):
    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """``repository@sha256:…`` that the engine knows from pulls and pushes."""
    size: int = 0
    created: str = ""
    labels: Mapping[str, str] = {}
    platform: str = ""
    ports: tuple[int, ...] = ()
    """TCP ports of EXPOSE."""
    health: Health | None = None
    """HEALTHCHECK of the image."""
    user: str = ""
    settings: Settings = Settings()
    layers: tuple[str, ...] = ()
    """Digests of what is in them (diff ids), the base's first; empty where that is not known."""


class Port(Frozen):
    """A published TCP (or UDP) port. ``host_port`` 0 lets the engine choose."""

    container: int
    host_port: int = 0
    host_ip: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"


class Mount(Frozen):
    kind: Literal["bind", "volume", "tmpfs"]
    source: str = ""
    target: str
    read_only: bool = False


class ContainerSpec(Frozen):
    """What a container is started from. Environment values may hold ``{secret:NAME}``."""

    image: str
    """An image id."""
    name: str
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = Field(default={}, repr=False)
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    network: str | None = None
    aliases: tuple[str, ...] = ()
    user: str | None = None
    working_dir: str | None = None
    hostname: str | None = None
    restart: str = "no"
    """``no``, ``always``, ``unless-stopped``, ``on-failure`` or ``on-failure:N``."""
    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    pids: int | None = None
    init: bool = True
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    extra_hosts: Mapping[str, str] = {}
    log_driver: str | None = None
    log_options: Mapping[str, str] = {}
    stop_signal: str | None = None
    stop_grace: int = 10
    """Seconds between the stop signal and SIGKILL."""
    health: Health | None = None
    labels: Mapping[str, str] = {}


class ContainerInfo(Frozen):
    id: str
    name: str
    image: str
    """Image id."""
    image_name: str = ""
    state: Literal["created", "running", "paused", "restarting", "exited", "dead", "removing"]
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    """What the engine said when it could not start it."""
    health: Literal["none", "starting", "healthy", "unhealthy"] = "none"
    health_said: str = ""
    """What its last health check printed."""
    started: str = ""
    finished: str = ""
    created: str = ""
    restarts: int = 0
    ports: tuple[Port, ...] = ()
    """Published ports, as bound (empty while it does not run)."""
    addresses: Mapping[str, str] = {}
    """Network name → IP address."""
    labels: Mapping[str, str] = {}
    restart: str = "no"
    environment: Mapping[str, str] = Field(default={}, repr=False)
    settings: Settings = Settings()
    mounts: tuple[Mount, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == "running"


class Change(Frozen):
    """A path of a container whose image has another one there, or none."""

    path: str
    kind: Literal["added", "changed", "deleted"]
    """A folder is changed, too, when something in it is."""


Happening = Literal[
    "create", "start", "restart", "kill", "stop", "die", "oom", "destroy", "pause", "unpause",
    "rename", "healthy", "unhealthy",
]  # fmt: skip
"""What can happen to a container. One that is asked to stop is told of by ``kill``, ``die`` and
``stop`` (the last two in either order); one that is killed by ``kill`` and ``die``; one that ends
by itself by ``die`` alone."""


class ContainerEvent(Frozen):
    """Something that has happened to a container."""

    what: Happening
    container: str
    """Its id."""
    name: str
    labels: Mapping[str, str] = {}
    at: float = 0.0
    """Unix time, by the engine's clock."""
    exit_code: int | None = None
    """Of ``die``."""


class VolumeInfo(Frozen):
    name: str
    labels: Mapping[str, str] = {}
    created: str = ""


class NetworkInfo(Frozen):
    id: str
    name: str
    labels: Mapping[str, str] = {}


class ExecResult(Frozen):
    exit_code: int
    output: str
    """stdout and stderr as they came, capped at 64 KiB (the end is kept)."""


class BuildStep(Frozen):
    """A step of a build as it happens. ``id`` is stable within a build."""

    id: str
    name: str
    state: Literal["started", "cached", "done", "error"]
    seconds: float = 0.0


class BuildRequest(Frozen):
    """One image to build. Secrets are values here, and reach the builder by mounts only."""

    context: str
    dockerfile_text: str
    dockerfile_name: str = "Dockerfile"
    """For messages only; the text is what is built."""
    ignore_text: str | None = None
    """The .dockerignore to use; None leaves the one in the context in force."""
    target: str | None = None
    args: Mapping[str, str] = {}
    secrets: Mapping[str, str] = Field(default={}, repr=False)
    """Mount id → value."""
    ssh: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    platforms: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    network: str | None = None
    extra_hosts: Mapping[str, str] = {}
    contexts: Mapping[str, str] = {}
    """Named contexts."""


class BuildListener(Protocol):
    """What a build tells while it runs."""

    def step(self, step: BuildStep) -> None: ...

    def line(self, step: str, text: str) -> None:
        """A line that the step called ``step`` (its name) printed."""

    def notice(self, message: str, hint: str) -> None:
        """Something is lost or odd (no buildx: no mounts, for example)."""


class Engine(Protocol):
    def info(self) -> EngineInfo:
        """Facts that hardly change: what it gives may be half a minute old."""

    def tools(self) -> Tools: ...

    # images

    def image(self, ref: str) -> ImageInfo | None:
        """By id, id prefix or name; None when the engine has no such image."""

    def images(self, labels: Mapping[str, str]) -> list[ImageInfo]:
        """All that carry all ``labels`` (a value of ``""`` asks for the key alone)."""

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        """Build into the engine's own image store.

        Raises:
            StageFailed: the Dockerfile failed; ``where`` is its line, ``detail`` the last lines of
                the failing instruction's output.
        """

    def check(self, request: BuildRequest, scope: Scope) -> list[Finding] | None:
        """What the builder's own checks find, without building; None when it has no checks, or
        cannot make them now."""

    def tag(self, image: str, ref: str) -> None: ...

    def untag(self, ref: str) -> None:
        """Remove a name; the image too when it was the last. No error when there is none.

        Raises:
            EngineRefused: it is the last name of an image that a container needs; it stays.
        """

    def remove_image(self, image: str, *, force: bool = False) -> None:
        """Remove an image with all names. No error when it is gone already.

        Raises:
            EngineRefused: a container needs it (with ``force``: a running one); all names stay.
        """

    def digest(self, ref: str, auth: Auth | None, scope: Scope) -> str:
        """The digest of the manifest that a registry has for ``ref`` now. The engine asks, by its
        own mirrors and proxies, so that it is what it would pull; nothing is pulled.

        Raises:
            NotFound, RegistryDenied, RegistryUnavailable: the registry's answer.
        """

    def pull(self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope) -> ImageInfo:
        """Get an image by its tag, or by its digest if ``ref`` has one: then it has no name here
        but ``repository@digest``.

        Raises:
            NotFound, RegistryDenied, RegistryUnavailable: the registry's answer.
        """

    def push(
        self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope,
        on_bytes: OnBytes | None = None,
    ) -> str:  # fmt: skip
        """Push a name that the engine has; returns the manifest digest that the registry took.
        Without ``on_bytes`` how far it is is told in lines.

        Raises:
            RegistryDenied: 401 or 403.
            RegistryUnavailable: no answer, 5xx, 429, a dropped connection.
        """

    def save(self, refs: Sequence[str], path: str, scope: Scope) -> None:
        """Write an archive that ``load`` reads; whole or not at all (written aside, renamed)."""

    def load(self, path: str, scope: Scope) -> list[ImageInfo]: ...

    def commit(self, container: str, ref: str, labels: Mapping[str, str]) -> ImageInfo: ...

    # containers

    def create(self, spec: ContainerSpec) -> str:
        """Create, do not start; returns the id.

        Raises:
            EngineRefused: also when the name is taken.
        """

    def start(self, container: str) -> None:
        """Raises ``PortTaken`` when a host port is in use. Already running is fine."""

    def stop(self, container: str, grace: int | None = None) -> None:
        """Signal, wait ``grace`` seconds (None: its own), kill. Not running or gone is fine."""

    def kill(self, container: str, signal: str = "KILL") -> None:
        """Raises ``EngineRefused`` when it does not run."""

    def restart(self, container: str, grace: int | None = None) -> None:
        """Stop as ``stop`` does, if it runs, and start."""

    def remove(self, container: str, *, volumes: bool = False) -> None:
        """Remove, running or not, with anonymous volumes if asked. Gone already is fine."""

    def rename(self, container: str, name: str) -> None: ...

    def set_restart(self, container: str, policy: str) -> None: ...

    def inspect(self, container: str) -> ContainerInfo | None:
        """By id or name; None when there is none."""

    def containers(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        """All, running or not, that carry all ``labels``, oldest first."""

    def logs(
        self, container: str, *, tail: int | None = None, follow: bool = False,
        since: float | None = None, scope: Scope,
    ) -> Iterator[str]:  # fmt: skip
        """Lines of stdout and stderr as they came. ``follow`` ends with container or scope."""

    def exec(self, container: str, argv: Sequence[str], scope: Scope) -> ExecResult:
        """Run a command in a running container. One that the scope ends may run on in there: the
        engine cannot end it. A program that is not there gives code 126 or 127."""

    def wait(self, container: str, scope: Scope) -> int:
        """Until it has ended; its exit code."""

    def run_once(self, spec: ContainerSpec, on_line: OnLine, scope: Scope) -> ExecResult:
        """Create, start, follow the log, wait, remove (always, also when the scope ends)."""

    def events(
        self, labels: Mapping[str, str], *, since: float | None = None, scope: Scope
    ) -> Iterator[ContainerEvent]:
        """What happens to containers that carry all ``labels``, as it happens; before that, what
        the engine still knows from ``since`` (Unix time) on. It remembers a few hundred events of
        any kind, and none from before its own start.

        Ends with the scope, by raising what ``Scope.check`` raises.

        Raises:
            EngineUnavailable: the engine went away. An event may have been missed then.
        """

    # its files

    def changes(self, container: str) -> list[Change]:
        """What differs from its image; what is mounted counts for nothing. By path."""

    def export(self, container: str, scope: Scope) -> Iterator[bytes]:
        """All its files as a tar archive, in chunks; it need not run. What is mounted is left out.
        Paths in it are relative to the root, owners numbers."""

    def put(self, container: str, files: Mapping[str, bytes]) -> None:
        """Write files, by their absolute paths, into a container, running or not: root's, mode
        0644, in place of what was there. Folders above them are made. Not atomic.

        Raises:
            NotFound: there is no such container.
        """

    # networks and volumes

    def create_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False
    ) -> NetworkInfo:
        """Idempotent: one that has the name and the labels is returned as it is. An ``internal``
        one leads nowhere else."""

    def remove_network(self, name: str) -> None: ...

    def connect(self, network: str, container: str) -> None:
        """Put a container, running or not, into one more network. Idempotent.

        Raises:
            NotFound: there is no such container or network.
        """

    def networks(self, labels: Mapping[str, str]) -> list[NetworkInfo]: ...

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeInfo:
        """Atomic. When one of that name exists it is returned, with the labels that it has."""

    def remove_volume(self, name: str) -> None: ...

    def volumes(self, labels: Mapping[str, str]) -> list[VolumeInfo]: ...

    def published(self) -> list[tuple[str, Port]]:
        """Host ports in use by running containers: (container name, port)."""
