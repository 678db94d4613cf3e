"""Containers."""

from __future__ import annotations

import contextlib
import json
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.adapters.docker import mapping
from pipeline.adapters.docker.client import LONGEST, Client
from pipeline.adapters.docker.errors import port_taken, taken_port
from pipeline.adapters.lines import LineSplitter, Tail
from pipeline.errors import DockcycleError, EngineRefused, EngineUnavailable, NotFound, PortTaken
from pipeline.ports.engine import (
    Change,
    ContainerInfo,
    ContainerSpec,
    ExecResult,
    OnLine,
    Port,
)
from pipeline.scope import Scope

REMOVAL = 30.0
"""Seconds to wait for a removal that is already under way."""


class Containers:
    """The part of the engine port about containers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # life cycle

    def create(self, spec: ContainerSpec) -> str:
        body = mapping.container_body(spec)
        made = self._client.ask(lambda api: api.create_container_from_config(body, spec.name))
        return str(made["Id"])

    def start(self, container: str) -> None:
        try:
            self._client.ask(lambda api: api.start(container))
        except PortTaken as error:
            holder = self._holder(taken_port(error.detail))
            raise (port_taken(error.detail, holder) if holder else error) from error

    def stop(self, container: str, grace: int | None = None) -> None:
        with contextlib.suppress(NotFound):
            self._client.ask(
                lambda api: api.stop(container, timeout=grace), at_most=LONGEST + (grace or 0)
            )

    def kill(self, container: str, signal: str = "KILL") -> None:
        self._client.ask(lambda api: api.kill(container, signal))

    def restart(self, container: str, grace: int | None = None) -> None:
        wait = self._grace(container) if grace is None else grace
        self._client.ask(lambda api: api.restart(container, timeout=wait), at_most=LONGEST + wait)

    def _grace(self, container: str) -> int:
        """The container's own grace; the SDK would send 10 s."""
        found = self._client.ask(lambda api: api.inspect_container(container))
        return int(found["Config"].get("StopTimeout") or 10)

    def remove(self, container: str, *, volumes: bool = False) -> None:
        try:
            self._client.ask(lambda api: api.remove_container(container, v=volumes, force=True))
        except NotFound:
            return
        except EngineRefused as error:
            if "already in progress" not in error.message:
                raise
            self._await_removal(container, error)

    def _await_removal(self, container: str, error: EngineRefused) -> None:
        until = time.monotonic() + REMOVAL
        while self.inspect(container) is not None:
            if time.monotonic() > until:
                raise error
            time.sleep(0.1)

    def rename(self, container: str, name: str) -> None:
        self._client.ask(lambda api: api.rename(container, name))

    def set_restart(self, container: str, policy: str) -> None:
        change: Any = mapping.restart_policy(policy)
        self._client.ask(lambda api: api.update_container(container, restart_policy=change))

    # looking

    def inspect(self, container: str) -> ContainerInfo | None:
        with contextlib.suppress(NotFound):
            return mapping.container_info(
                self._client.ask(lambda api: api.inspect_container(container))
            )
        return None

    def containers(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        wanted = {"label": mapping.label_filter(labels)}
        found = self._client.ask(lambda api: api.containers(all=True, filters=wanted))
        details = (self.inspect(item["Id"]) for item in found)
        return sorted((info for info in details if info), key=lambda info: info.created)

    def published(self) -> list[tuple[str, Port]]:
        return mapping.published_ports(self._client.ask(lambda api: api.containers()))

    def _holder(self, port: int | None) -> str:
        """The container that has a host port, or ``""``."""
        names = [name for name, taken in self.published() if taken.host_port == port]
        return names[0] if names else ""

    def logs(
        self, container: str, *, tail: int | None = None, follow: bool = False,
        since: float | None = None, scope: Scope,
    ) -> Iterator[str]:  # fmt: skip
        details = self._client.ask(lambda api: api.inspect_container(container))
        params = {
            "stdout": 1, "stderr": 1, "follow": int(follow),
            "tail": "all" if tail is None else tail, "since": f"{since or 0:.9f}",
        }  # fmt: skip
        path = f"/containers/{details['Id']}/logs"
        with self._client.stream("GET", path, params=params, scope=scope) as chunks:
            yield from _lines(chunks, tty=details["Config"]["Tty"])

    # its files

    def changes(self, container: str) -> list[Change]:
        found = self._client.ask(lambda api: api.diff(container))
        return sorted((mapping.change(item) for item in found or ()), key=lambda each: each.path)

    def export(self, container: str, scope: Scope) -> Iterator[bytes]:
        with self._client.stream("GET", f"/containers/{container}/export", scope=scope) as chunks:
            yield from chunks

    def put(self, container: str, files: Mapping[str, bytes]) -> None:
        archive = mapping.archive(files)
        self._client.ask(lambda api: api.put_archive(container, "/", archive))

    # running things

    def exec(self, container: str, argv: Sequence[str], scope: Scope) -> ExecResult:
        scope.check()
        made = self._client.ask(lambda api: api.exec_create(container, list(argv)))
        path, tail = f"/exec/{made['Id']}", Tail()
        start = {"Detach": False, "Tty": False}
        with self._client.stream("POST", f"{path}/start", json=start, scope=scope) as chunks:
            for _stream, data in _frames(chunks):
                tail.add(data)
        ended = self._client.ask(lambda api: api.exec_inspect(made["Id"]))
        return ExecResult(exit_code=ended["ExitCode"] or 0, output=tail.text)

    def wait(self, container: str, scope: Scope) -> int:
        with self._client.stream("POST", f"/containers/{container}/wait", scope=scope) as chunks:
            return int(json.loads(b"".join(chunks))["StatusCode"])

    def run_once(self, spec: ContainerSpec, on_line: OnLine, scope: Scope) -> ExecResult:
        scope.check()
        # A log that can be read back, whatever driver the engine is set to.
        readable = {} if spec.log_driver else {"log_driver": "json-file"}
        tail = Tail()
        container = self.create(spec.model_copy(update=readable))
        try:
            self.start(container)
            for line in self.logs(container, follow=True, scope=scope):
                tail.add(line.encode() + b"\n")
                on_line(line)
            result = ExecResult(exit_code=self.wait(container, scope), output=tail.text)
        except EngineUnavailable:
            raise  # nobody to remove it either; by its labels a later start finds it
        except BaseException:
            with contextlib.suppress(DockcycleError):  # the first failure is the one to tell
                self.remove(container, volumes=True)
            raise
        self.remove(container, volumes=True)
        return result


def _frames(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """(stream, data) of the engine's multiplexed format: 8 bytes of header, then the data."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            stream, size = struct.unpack(">BxxxL", buffer[:8])
            if len(buffer) < 8 + size:
                break
            yield stream, buffer[8 : 8 + size]
            buffer = buffer[8 + size :]


def _lines(chunks: Iterator[bytes], *, tty: bool) -> Iterator[str]:
    """Lines of stdout and stderr, each put together by itself."""
    frames = ((1, chunk) for chunk in chunks) if tty else _frames(chunks)
    splitters: dict[int, LineSplitter] = {}
    for stream, data in frames:
        yield from splitters.setdefault(stream, LineSplitter()).feed(data)
    for splitter in splitters.values():
        yield from splitter.flush()
