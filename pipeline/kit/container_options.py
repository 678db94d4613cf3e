"""What pipeline.yml can say of one container; keys and spellings as in Compose."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from pipeline.artifacts import Frozen
from pipeline.kit.mounts import MountOption, TmpfsOption
from pipeline.kit.units import Bytes, PortNumber, Scalar, Seconds
from pipeline.ports.engine import Port

_PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<host>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp))?"
)
_TEXT_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_TEXT_MAP = {
    "anyOf": [
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        {"type": "array", "items": {"type": "string"}},
    ]
}
_PORT_LIST = {"type": "array", "items": {"type": ["string", "integer"]}}


def parse_ports(value: object) -> tuple[Port, ...]:
    """Published ports of ``["8080:5000", "127.0.0.1:9000-9001:9000-9001/udp", 5000]``. A port
    alone gets a host port of the engine's choice.

    Raises:
        ValueError: an entry is not a port mapping.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError('write a list, as in ports: ["8080:5000"]')
    return tuple(port for entry in value for port in _parse_port(entry))


def _parse_port(entry: object) -> list[Port]:
    if isinstance(entry, Port):
        return [entry]
    match = _PORT.fullmatch(str(entry).strip()) if isinstance(entry, (str, int)) else None
    if match is None:
        raise ValueError(f'"{entry}" is not a port; write "8080:5000" or "127.0.0.1:8080:5000"')
    inside = _range(match["container"])
    outside = _range(match["host"]) if match["host"] else [0] * len(inside)
    if len(inside) != len(outside):
        raise ValueError(f'"{entry}": the two ranges differ in length')
    protocol: Literal["tcp", "udp"] = "udp" if match["protocol"] == "udp" else "tcp"
    address = (match["ip"] or "").strip("[]")
    return [
        Port(container=c, host_port=h, host_ip=address, protocol=protocol)
        for c, h in zip(inside, outside, strict=True)
    ]


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise ValueError(f"{text} is not a port; a port is a number from 1 to 65535")
    return list(ports)


def parse_words(value: object) -> tuple[str, ...]:
    """A command: a list as it is, a string split as a shell would, without running one.

    Raises:
        ValueError: a quote is not closed, or it is neither.
    """
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, (list, tuple)):
        return tuple(str(word) for word in value)
    raise ValueError("write a string or a list of words")


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _mapping(value: object) -> object:
    """``[A=1, B=2]`` as the mapping that it is."""
    if not isinstance(value, (list, tuple)):
        return value
    entries = [str(entry).partition("=") for entry in value]
    if lacking := [name for name, equals, _ in entries if not equals]:
        raise ValueError(f'"{lacking[0]}" has no value; write {lacking[0]}=value')
    return {name: text for name, _, text in entries}


def _secrets(value: object) -> object:
    """``[TOKEN]`` as ``{TOKEN: TOKEN}``."""
    return {str(name): str(name) for name in value} if isinstance(value, (list, tuple)) else value


def _hosts(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        return value
    entries = [re.split("[=:]", str(entry), maxsplit=1) for entry in value]
    if lacking := [entry[0] for entry in entries if len(entry) != 2]:
        raise ValueError(f'"{lacking[0]}" has no address; write {lacking[0]}:10.0.0.1')
    return {entry[0]: entry[1] for entry in entries}


def _health_test(value: object) -> object:
    """As in Compose: a string is for the shell, a list says itself what it is."""
    if isinstance(value, str):
        return ("CMD-SHELL", value)
    if isinstance(value, (list, tuple)) and value and value[0] not in ("CMD", "CMD-SHELL", "NONE"):
        raise ValueError('the first word is CMD, CMD-SHELL or NONE, as in [CMD, curl, -f, "…"]')
    return value


def _restart(value: object) -> str:
    text = "no" if value is False else str(value)  # YAML 1.1 reads a bare no as false
    if not re.fullmatch(r"no|always|unless-stopped|on-failure(:[0-9]{1,3})?", text):
        raise ValueError(
            f'"{text}" is not a restart policy; write no, always, unless-stopped or on-failure:3'
        )
    return text


Words = Annotated[tuple[str, ...], BeforeValidator(parse_words), WithJsonSchema(_TEXT_LIST)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), WithJsonSchema(_TEXT_LIST)]
Texts = Annotated[Mapping[str, Scalar], BeforeValidator(_mapping), WithJsonSchema(_TEXT_MAP)]
Ports = Annotated[tuple[Port, ...], BeforeValidator(parse_ports), WithJsonSchema(_PORT_LIST)]
Cpus = Annotated[float, Field(gt=0)]
Hosts = Annotated[Mapping[str, str], BeforeValidator(_hosts), WithJsonSchema(_TEXT_MAP)]
Environment = Annotated[
    Mapping[Annotated[str, Field(pattern=r"^[^=\x00]+$")], Scalar],
    BeforeValidator(_mapping),
    WithJsonSchema(_TEXT_MAP),
]
SecretNames = Annotated[Mapping[str, str], BeforeValidator(_secrets), WithJsonSchema(_TEXT_MAP)]
"""Environment variable → name of the secret."""
Restart = Annotated[str, BeforeValidator(_restart), WithJsonSchema({"type": "string"})]
HealthTest = Annotated[tuple[str, ...], BeforeValidator(_health_test), WithJsonSchema(_TEXT_LIST)]


class LogOptions(Frozen):
    """Rotation of the container's log."""

    driver: str = "json-file"
    """Log driver; rotation is set for json-file and local."""
    max_size: str = Field(default="10m", pattern=r"^[0-9]+[kmg]?$")
    """Size of one log file."""
    max_file: int = Field(default=3, ge=1)
    """How many of them are kept."""

    def options(self) -> dict[str, str]:
        """As the engine takes them; drivers other than Docker's own files do not rotate."""
        if self.driver not in ("json-file", "local"):
            return {}
        return {"max-size": self.max_size, "max-file": str(self.max_file)}


class HealthOptions(Frozen):
    """Docker's own health check."""

    test: HealthTest | None = None
    """A string for the shell, or a list that begins with CMD, CMD-SHELL or NONE."""
    interval: Seconds | None = None
    """Between two checks."""
    timeout: Seconds | None = None
    """For one check."""
    start_period: Seconds | None = None
    """How long failures do not count after the start."""
    start_interval: Seconds | None = None
    """Between two checks within start_period."""
    retries: int | None = Field(default=None, ge=1)
    """Failures in a row that make it unhealthy."""
    disable: bool = False
    """Leave out the image's HEALTHCHECK."""


class ContainerOptions(Frozen):
    """Every key that says what the container is; see docs/stages/run.md."""

    port: PortNumber | None = None
    """The container port that checks and links mean. Default: the image's EXPOSE, or the first
    of ports; a worker has none."""
    ports: Ports = ()
    """Published ports in place: "8080:5000", "127.0.0.1:8080:5000/udp", "5000"."""
    env: Environment = Field(default={})
    """Environment variables. {secret:NAME} stands for a secret's value."""
    env_file: Names = ()
    """Files of environment variables, relative to the pipeline file."""
    secrets: SecretNames = Field(default={})
    """Secrets as environment variables: names, or VARIABLE: NAME."""
    volumes: tuple[MountOption, ...] = ()
    """Mounts: "data:/var/lib/data", "./config:/etc/app:ro"."""
    tmpfs: tuple[TmpfsOption, ...] = ()
    """Paths with a file system in memory."""
    network: str | None = None
    """An existing network to join, or host, or none."""
    command: Words | None = None
    """In the place of the image's CMD."""
    entrypoint: Words | None = None
    """In the place of the image's ENTRYPOINT."""
    user: Scalar | None = None
    """User, or user:group, by name or number."""
    working_dir: str | None = None
    """Directory that the command starts in."""
    hostname: str | None = None
    """Host name that the container sees of itself."""
    extra_hosts: Hosts = Field(default={})
    """More host names: "db:10.0.0.1"."""
    memory: Bytes | None = None
    """Limit of memory: 512m."""
    cpus: Cpus | None = None
    """Limit of processor time, in cores: 1.5."""
    pids_limit: int | None = Field(default=None, ge=1)
    """Limit of processes and threads."""
    log: LogOptions = LogOptions()
    """Rotation of the log."""
    restart: Restart = "unless-stopped"
    """Restart policy of what serves: no, always, unless-stopped, on-failure:3."""
    init: bool = True
    """A small init process as PID 1, that passes on signals and reaps children."""
    read_only: bool = False
    """A root file system that cannot be written to."""
    cap_add: tuple[str, ...] = ()
    """Linux capabilities to add."""
    cap_drop: tuple[str, ...] = ()
    """Linux capabilities to take away: ALL."""
    security_opt: tuple[str, ...] = ()
    """Security options: no-new-privileges."""
    healthcheck: HealthOptions | None = None
    """In the place of the image's HEALTHCHECK."""
    stop_signal: str | None = None
    """Signal that asks it to end."""
    stop_grace_period: Seconds = 10.0
    """Time between that signal and SIGKILL."""
    labels: Texts = Field(default={})
    """Labels of what serves; a candidate does not have them."""
