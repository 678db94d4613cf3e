"""The engine's own BuildKit, spoken to without buildx: the context goes up as an archive.

There is no session then, so what needs one is not to be had: secret and SSH mounts, named
contexts, cache import and export, credentials for a private base image. And the Dockerfile is a
part of the context, which ``COPY .`` takes along.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.progress import failure, messages
from pipeline.adapters.docker.solve import Steps
from pipeline.adapters.docker.wire import from_trace
from pipeline.errors import StageFailed
from pipeline.kit.dockerfile.lines import Lines
from pipeline.kit.ignore import Ignore, ignore_file
from pipeline.ports.engine import BuildListener, BuildRequest
from pipeline.scope import Scope

SPARE_NAME = ".dockcycle.Dockerfile"
"""The Dockerfile's name in the archive where the context has another one."""
INSTALL = "Install Docker's buildx plugin: https://docs.docker.com/build/install-buildx/"
_NEEDS_SESSION = re.compile(r"--mount=\S*type=(secret|ssh)\b", re.IGNORECASE)


def check_possible(request: BuildRequest) -> None:
    """Raises ``StageFailed`` for what cannot be built this way."""
    mount = _NEEDS_SESSION.search(request.dockerfile_text)
    lost = [
        (bool(request.secrets) or bool(mount and mount[1].lower() == "secret"), "secret mounts"),
        (bool(request.ssh) or bool(mount and mount[1].lower() == "ssh"), "SSH mounts"),
        (bool(request.contexts), "named build contexts"),
        (len(request.platforms) > 1, "several platforms at once"),
    ]
    needed = [what for needs, what in lost if needs]
    if needed:
        raise StageFailed(f"this build needs {', '.join(needed)}, and so buildx", hint=INSTALL)


def tell_losses(request: BuildRequest, listener: BuildListener) -> None:
    """Say once what is different without buildx."""
    lost = "no secret mounts, no private base images"
    if request.cache_from or request.cache_to:
        lost += ", no cache_from and cache_to"
    listener.notice(f"buildx is not installed: the engine builds by itself ({lost})", INSTALL)


def run_engine_build(
    client: Client, request: BuildRequest, listener: BuildListener, scope: Scope
) -> tuple[str, str, Steps]:
    """(image id, error, steps): one of the first two is empty."""
    steps, image, error = Steps(listener), "", ""
    headers = {"Content-Type": "application/x-tar"}
    with (
        _archive(request) as (body, dockerfile),
        client.stream(
            "POST",
            "/build",
            params=_params(request, dockerfile),
            headers=headers,
            body=body,
            scope=scope,
        ) as chunks,
    ):
        for message in messages(chunks):
            aux = message.get("aux")
            if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
                steps.take(from_trace(aux))
            elif message.get("id") == "moby.image.id" and isinstance(aux, dict):
                image = str(aux.get("ID", ""))
            error = failure(message) or error
    steps.close()
    return image, error, steps


def _params(request: BuildRequest, dockerfile: str) -> dict[str, Any]:
    params = {
        "version": "2", "dockerfile": dockerfile, "t": list(request.tags),
        "buildargs": json.dumps(dict(request.args)), "labels": json.dumps(dict(request.labels)),
        "target": request.target, "platform": ",".join(request.platforms) or None,
        "nocache": int(request.no_cache), "pull": int(request.pull),
        "networkmode": request.network,
        "extrahosts": [f"{name}:{address}" for name, address in request.extra_hosts.items()],
    }  # fmt: skip
    return {key: value for key, value in params.items() if value is not None}


@contextlib.contextmanager
def _archive(request: BuildRequest) -> Iterator[tuple[IO[bytes], str]]:
    """The context as a tar file that has no name, filtered by the ignore rules in force (the
    builder does not apply them to an archive), and the Dockerfile's name in it."""
    context = Path(request.context)
    own = ignore_file(context)
    rules = request.ignore_text
    if rules is None:
        rules = own.read_text(encoding="utf-8", errors="surrogateescape") if own else ""
    visible = _visible(context, Ignore.parse(rules))
    dockerfile = "Dockerfile" if "Dockerfile" not in visible else SPARE_NAME
    text = request.dockerfile_text.encode("utf-8", "surrogateescape")
    with tempfile.TemporaryFile() as body:
        # BuildKit knows a tar file by its first header, which in Python's default format is an
        # extension that it does not know.
        with tarfile.open(fileobj=body, mode="w", format=tarfile.GNU_FORMAT) as archive:
            entry = tarfile.TarInfo(dockerfile)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
            for path in sorted(visible):
                archive.add(context / path, path, recursive=False, filter=_by_root)
        body.seek(0)
        yield body, dockerfile


def _by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Files in a context belong to root, as with buildx."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _visible(context: Path, ignore: Ignore) -> set[str]:
    """Relative paths of the files and directories that a build sees."""
    found: set[str] = set()
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(context / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if not ignore.excludes(path):
                    found.add(path)
                if entry.is_dir(follow_symlinks=False) and not ignore.prunes(path):
                    pending.append(path)
    return found


def find_line(dockerfile: str, instruction: str) -> int | None:
    """Line (from 1) on which ``instruction`` begins; this API does not say."""
    wanted = instruction.split()
    lines = Lines(dockerfile, "Dockerfile")
    with contextlib.suppress(StageFailed):  # not even readable: then there is no line to give
        for statement in lines.statements():
            lines.heredocs(statement.text, statement.line)
            if statement.text.split() == wanted:
                return statement.line
    return None
