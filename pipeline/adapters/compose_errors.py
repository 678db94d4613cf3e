"""What ``docker compose`` says when it fails, in our own terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.adapters.docker.errors import port_taken
from pipeline.errors import (
    ConfigError,
    DockcycleError,
    EngineUnavailable,
    Location,
    Problem,
    StageFailed,
)
from pipeline.kit.text import tail

INSTALL = "https://docs.docker.com/compose/install/linux/"
_NO_PLUGIN = re.compile(
    r"'compose' is not a docker command|unknown (?:short)?hand flag|unknown flag: --(?:ansi|file)"
    r"|unknown command: docker compose"
)
_NO_ENGINE = re.compile(
    r"cannot connect to the docker daemon|failed to connect to the docker api"
    r"|error during connect|is the docker daemon running",
    re.IGNORECASE,
)
_PORT_TAKEN = re.compile(
    r"port is already allocated|address already in use|ports are not available"
)
_WARNING = re.compile(r'^time="[^"]*" level=(?:warning|info|debug) msg="(?P<text>(?:[^"\\]|\\.)*)"')
_PREFIX = re.compile(r"^(?:time=\"[^\"]*\" level=\w+ msg=)?(?:Error response from daemon: )?")
_FILE = re.compile(r"(?P<file>/[^\n:\"]+\.(?:ya?ml|json|env|[\w.-]+))(?=[\":\s])")
_LINE = re.compile(r"\b(?:at )?(?:L|line )(?P<line>\d+)(?:\.C(?P<column>\d+))?")
_KEY = re.compile(r"\b(?P<key>(?:services|networks|volumes|configs|secrets)(?:\.[\w.\[\]/-]+)+)")
_STAGE = re.compile(r"^(?:validating|failed to parse) [^\n]*?\.\w+: +")
_UNKNOWN = re.compile(
    r"(?P<key>\S*) ?(?:false schema|additional properties? '(?P<extra>[^']+)' not allowed)"
)


def missing(message: str) -> EngineUnavailable:
    """There is no docker command at all."""
    return EngineUnavailable(
        f"Docker Compose needs the docker command: {message}",
        hint=f"Install it with its compose plugin: {INSTALL}",
    )


def engine_error(output: str) -> EngineUnavailable | None:
    """The failure of a command that never got to do its work; None for any other."""
    if _NO_PLUGIN.search(output):
        return EngineUnavailable(
            "the docker command has no compose plugin",
            hint=f"Install Docker Compose v2 or newer: {INSTALL}",
        )
    if _NO_ENGINE.search(output):
        return EngineUnavailable(
            "Docker Compose cannot reach the Docker engine",
            hint="`docker info` should answer; is the engine running?",
            detail=output.strip(),
        )
    return None


def warning(line: str) -> str | None:
    """The text of a warning that Compose logs; None for any other line."""
    match = _WARNING.match(line)
    return re.sub(r"\\(.)", r"\1", match["text"]) if match else None


def config_error(output: str, files: Sequence[str]) -> ConfigError:
    """Compose refuses the user's files; with file, line and key as far as they can be found."""
    message = _last_message(output)
    named = _FILE.search(message)
    message = _STAGE.sub("", message)
    line, key = _LINE.findall(message), _KEY.search(message)
    path = key["key"] if key else ""
    if unknown := _UNKNOWN.search(message):
        path = ".".join(part for part in (unknown["key"].rstrip("."), unknown["extra"]) if part)
        message = f"Compose knows no key {path.rpartition('.')[2]} here"
    file = named["file"] if named and Path(named["file"]).suffix != ".env" else files[0]
    number, column = (line[-1][0], line[-1][1]) if line else ("", "")
    where = Location(
        file=file,
        line=int(number) if number else line_of(file, path),
        column=int(column) if column else None,
        key=path,
    )
    return ConfigError([Problem(message, where)])


def _last_message(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip() and not _WARNING.match(line)]
    return _PREFIX.sub("", lines[-1]).strip() if lines else "Compose gave no reason"


def line_of(file: str, path: str) -> int | None:
    """The line of a dotted key path in a YAML file; of its nearest parent if it is not there."""
    import yaml

    try:
        with Path(file).open(encoding="utf-8") as stream:
            node = yaml.compose(stream, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    line: int | None = None
    for part in filter(None, re.split(r"[.\[\]]", path)):
        if not isinstance(node, yaml.MappingNode):
            break
        found = next(((k, v) for k, v in node.value if k.value == part), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def up_error(output: str, project: str) -> DockcycleError:
    """``up`` failed: a port, or something else; its last lines are the detail."""
    message = _last_message(output)
    if _PORT_TAKEN.search(message):
        return port_taken(message)
    return StageFailed(
        f"Compose could not start {project}: {message}", detail=tail(output.splitlines(), 50)
    )
