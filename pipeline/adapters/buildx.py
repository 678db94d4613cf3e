"""``docker buildx build`` as a subprocess: what it is called with, and what it tells."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.adapters.docker.plain import PlainReport
from pipeline.adapters.docker.solve import Steps, from_json
from pipeline.adapters.shell import run_argv
from pipeline.errors import Unusable
from pipeline.ports.engine import BuildListener, BuildRequest
from pipeline.scope import Scope

RAWJSON_SINCE = (0, 13)
PROVENANCE_SINCE = (0, 10)
LONGEST_DOCUMENT = 16 * 1024 * 1024
"""Bytes of one line of the machine-readable report."""
_PLACE = re.compile(r"^(?P<file>\S.*):(?P<line>\d+)$")


@dataclass(frozen=True)
class Buildx:
    """The plugin. It is run by itself, as ``docker buildx`` would run it, but sooner."""

    program: str
    version: str

    def at_least(self, version: tuple[int, int]) -> bool:
        numbers = [int(number) for number in re.findall(r"\d+", self.version)[:2]]
        return tuple(numbers) >= version


@dataclass(frozen=True)
class BuildFiles:
    """What a build reads and writes besides the context, all of it in a private folder."""

    dockerfile: str
    """Absolute path; an ignore file that overrides the context's is beside it."""
    iid: str
    metadata: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Mount id → path of the value."""
    descriptors: tuple[int, ...] = ()
    """Open files that the builder inherits."""


@dataclass(frozen=True)
class Outcome:
    """How a build ended."""

    exit_code: int
    candidates: tuple[str, ...]
    """Ids that the engine may know the image by, likeliest first."""
    steps: Steps
    messages: tuple[str, ...]
    """What it said besides the report."""

    @property
    def error(self) -> str:
        """Its last word."""
        said = [line.removeprefix("ERROR: ") for line in self.messages if line.startswith("ERROR:")]
        return said[-1].removeprefix("failed to solve: ") if said else "\n".join(self.messages)

    @property
    def line(self) -> int | None:
        """Line of the Dockerfile that it points at."""
        for place, below in zip(self.messages, self.messages[1:], strict=False):
            match = _PLACE.match(place)
            if match and below.startswith("-----"):
                return int(match["line"])
        return None


def buildx_argv(buildx: Buildx, request: BuildRequest, files: BuildFiles) -> list[str]:
    """The command line; no secret is in it."""
    rawjson = buildx.at_least(RAWJSON_SINCE)
    argv = [
        buildx.program, "build", "--progress", "rawjson" if rawjson else "plain",
        "--file", files.dockerfile, "--load", "--iidfile", files.iid,
        "--metadata-file", files.metadata,
    ]  # fmt: skip
    if buildx.at_least(PROVENANCE_SINCE):
        # An attestation has times in it: the same build would never have the same id again.
        argv.append("--provenance=false")
    argv += _options(request)
    argv += _each("--secret", (_fields(id=key, src=path) for key, path in files.secrets.items()))
    return [*argv, "--", request.context]


def target_options(request: BuildRequest) -> list[str]:
    """What decides which image is meant."""
    argv = ["--target", request.target] if request.target else []
    argv += _each("--build-arg", _pairs(request.args))
    argv += _each("--build-context", _pairs(request.contexts))
    argv += ["--platform", ",".join(request.platforms)] if request.platforms else []
    return argv


def _options(request: BuildRequest) -> list[str]:
    argv = target_options(request)
    argv += _each("--label", _pairs(request.labels))
    argv += _each("--tag", request.tags)
    argv += _each("--cache-from", request.cache_from)
    argv += _each("--cache-to", request.cache_to)
    argv += _each("--ssh", request.ssh)
    argv += _each("--add-host", _pairs(request.extra_hosts, ":"))
    argv += ["--network", request.network] if request.network else []
    argv += ["--no-cache"] if request.no_cache else []
    argv += ["--pull"] if request.pull else []
    return argv


def _each(option: str, values: Iterator[str] | Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _pairs(values: Mapping[str, str], separator: str = "=") -> Iterator[str]:
    return (f"{key}{separator}{value}" for key, value in values.items())


def _fields(**values: str) -> str:
    """``id=x,src=y`` in the CSV that buildx reads, quoted where it must be."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(
        [f"{key}={value}" for key, value in values.items()]
    )
    return text.getvalue()


def run_buildx(
    buildx: Buildx, request: BuildRequest, environment: Mapping[str, str],
    listener: BuildListener, scope: Scope,
) -> Outcome:  # fmt: skip
    """Build; the caller looks whether it went well.

    Raises:
        NotFound: the plugin is gone.
        Unusable: there is no room for what it writes on this machine.
        Cancelled, DeadlineExceeded: the scope ended; the build has been stopped.
    """
    report = Report(Steps(listener), rawjson=buildx.at_least(RAWJSON_SINCE))
    with build_files(request) as files:
        completed = run_argv(
            buildx_argv(buildx, request, files), environment=environment, on_line=report.line,
            scope=scope, pass_fds=files.descriptors, longest_line=LONGEST_DOCUMENT,
        )  # fmt: skip
        report.steps.close()
        outcome = Outcome(
            completed.exit_code, tuple(_candidates(files)), report.steps, tuple(report.messages)
        )
        if outcome.exit_code != 0:
            _require_room(Path(files.dockerfile).parent, outcome.error)
        return outcome


def _require_room(folder: Path, error: str) -> None:
    if str(folder) in error and "no space left on device" in error:
        raise Unusable(
            f"no space is left for temporary files in {folder.parent}",
            hint="Free some there, or set TMPDIR to another folder.",
        )


@contextlib.contextmanager
def build_files(request: BuildRequest) -> Iterator[BuildFiles]:
    """A folder that only this user can read, gone afterwards.

    Where the system can (Linux), secrets never get a name in the file system: then not even a
    process that is killed leaves one behind.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dockcycle-build-")))
        dockerfile = folder / "Dockerfile"
        dockerfile.write_text(request.dockerfile_text, encoding="utf-8")
        if request.ignore_text is not None:
            ignore = folder / "Dockerfile.dockerignore"
            ignore.write_text(request.ignore_text or "#\n", encoding="utf-8")  # never empty: that
            # would mean the context's own
        secrets: dict[str, str] = {}
        descriptors: list[int] = []
        for number, (key, value) in enumerate(request.secrets.items()):
            if hasattr(os, "memfd_create"):
                memory = os.memfd_create("secret")
                stack.callback(os.close, memory)
                os.write(memory, value.encode())
                descriptors.append(memory)
                secrets[key] = f"/proc/self/fd/{memory}"
            else:
                path = folder / f"secret-{number}"
                path.write_text(value, encoding="utf-8")
                secrets[key] = str(path)
        yield BuildFiles(
            str(dockerfile), str(folder / "iid"), str(folder / "metadata"), secrets,
            tuple(descriptors),
        )  # fmt: skip


def _candidates(files: BuildFiles) -> Iterator[str]:
    """The two stores of an engine give an image different ids: config or manifest digest."""
    with contextlib.suppress(OSError, ValueError):
        metadata = json.loads(Path(files.metadata).read_text(encoding="utf-8"))
        for key in ("containerimage.digest", "containerimage.config.digest"):
            if isinstance(metadata.get(key), str):
                yield metadata[key]
    with contextlib.suppress(OSError):
        yield Path(files.iid).read_text(encoding="utf-8").strip()


class Report:
    """Sorts what buildx prints into the report of the build and other messages."""

    def __init__(self, steps: Steps, *, rawjson: bool) -> None:
        self.steps = steps
        self.messages: deque[str] = deque(maxlen=200)
        self._line: Callable[[str], bool] = (
            JsonReport(steps).line if rawjson else PlainReport(steps).line
        )

    def line(self, text: str) -> None:
        if not self._line(text) and text.strip():
            self.messages.append(text)


class JsonReport:
    """Reads ``--progress rawjson``: one document a line, or (0.13) indented over several."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._open: list[str] = []

    def line(self, text: str) -> bool:
        """Take a line; False when it is no part of the report."""
        if not self._open and not text.startswith("{"):
            return False
        self._open.append(text)
        if text == "}" or (len(self._open) == 1 and text.endswith("}")):
            document, self._open = "\n".join(self._open), []
            self._steps.take(from_json(_object(document)))
        return True


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
