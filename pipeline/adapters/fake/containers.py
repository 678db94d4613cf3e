"""Containers of the fake engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Literal

from pipeline.adapters.docker.errors import port_taken
from pipeline.adapters.fake import files
from pipeline.adapters.fake.files import FakeFile, applied
from pipeline.adapters.fake.images import FakeImages
from pipeline.adapters.fake.state import FakeContainer, State, matches
from pipeline.errors import EngineRefused, NotFound, PortTaken
from pipeline.ports.engine import (
    Change,
    ContainerInfo,
    ContainerSpec,
    Port,
    Settings,
    VolumeInfo,
)
from pipeline.scope import Scope

FIRST_EPHEMERAL = 49152
CHUNK = 10_000
"""Bytes."""
HealthState = Literal["none", "starting", "healthy", "unhealthy"]


class FakeContainers(FakeImages):
    """The part of the port about containers."""

    state: State

    # life cycle

    def create(self, spec: ContainerSpec) -> str:
        with self.state.lock:
            self.state.enter("create", spec.name)
            image = self._get(spec.image)
            self._check_name(spec.name)
            command = spec.command or ()
            container = FakeContainer(
                id=f"{self.state.number():064x}", name=spec.name, spec=spec, image=image,
                program=self.state.programs.get(command, image.program),
                created=self.state.stamp(), restart=spec.restart, files=image.files,
            )  # fmt: skip
            for mount in spec.mounts:
                if mount.kind == "volume" and mount.source:
                    self.state.volumes.setdefault(mount.source, VolumeInfo(name=mount.source))
            self.state.containers[container.id] = container
            self.state.tell("create", container)
            return container.id

    def start(self, container: str) -> None:
        with self.state.lock:
            self.state.enter("start", container)
            found = self._container(container)
            if found.state in ("running", "restarting"):
                return
            found.restarts, found.stopped_by_hand = 0, False
            self._begin(found)

    def stop(self, container: str, grace: int | None = None) -> None:
        with self.state.lock, contextlib.suppress(NotFound):
            self.state.enter("stop", container)
            found = self._container(container)
            if found.state in ("running", "restarting"):
                found.stopped_by_hand = True
                self.state.tell("kill", found)
                self._finish(found, 143)
                self.state.tell("stop", found)

    def kill(self, container: str, signal: str = "KILL") -> None:
        with self.state.lock:
            self.state.enter("kill", container)
            found = self._container(container)
            if not found.running:
                raise EngineRefused(f"cannot kill container: {container}: it is not running")
            found.stopped_by_hand = True
            self.state.tell("kill", found)
            self._finish(found, 137)

    def restart(self, container: str, grace: int | None = None) -> None:
        with self.state.lock:
            self.state.enter("restart", container)
            found = self._container(container)
            if found.running:
                self.state.tell("kill", found)
                self._finish(found, 143)
                self.state.tell("stop", found)
            found.restarts, found.stopped_by_hand = 0, False
            self._begin(found)
            self.state.tell("restart", found)

    def remove(self, container: str, *, volumes: bool = False) -> None:
        with self.state.lock, contextlib.suppress(NotFound):
            self.state.enter("remove", container)
            found = self._container(container)
            if found.state in ("running", "restarting"):
                self.state.tell("kill", found)
                self._finish(found, 137)
            del self.state.containers[found.id]
            self.state.tell("destroy", found)

    def rename(self, container: str, name: str) -> None:
        with self.state.lock:
            self.state.enter("rename", container, name)
            found = self._container(container)
            self._check_name(name)
            found.name = name
            self.state.tell("rename", found)

    def set_restart(self, container: str, policy: str) -> None:
        with self.state.lock:
            self.state.enter("set_restart", container, policy)
            self._container(container).restart = policy

    # what happens to containers by itself

    def crash(self, container: str, code: int = 1) -> None:
        """Script: the program dies; the restart policy is followed."""
        with self.state.lock:
            self._died(self._container(container), code)

    def restart_engine(self) -> None:
        """Script: the engine goes down and comes back, as after a reboot."""
        with self.state.lock:
            for container in self.state.containers.values():
                if container.running:
                    self._finish(container, 137)
            for container in self.state.containers.values():
                policy = container.restart
                wanted = policy == "unless-stopped" and not container.stopped_by_hand
                if container.started and (wanted or policy == "always"):
                    container.stopped_by_hand = False
                    with contextlib.suppress(PortTaken):
                        self._begin(container)

    def _begin(self, container: FakeContainer) -> None:
        network = container.spec.network
        if network not in (None, "bridge", "host", "none", *self.state.networks):
            raise NotFound(f"network {network} not found")
        container.ports = tuple(self._bind(port) for port in container.spec.ports)
        container.state, container.started = "running", self.state.stamp()
        container.looks, container.exit_code = 0, None
        container.files = files.applied(container.files, container.program.files)
        now = self.state.now().timestamp()
        container.log += [(now, line) for line in container.program.log]
        self.state.tell("start", container)
        if container.program.exits is not None:
            self._died(container, container.program.exits)

    def _died(self, container: FakeContainer, code: int) -> None:
        self._finish(container, code)
        policy, _, limit = container.restart.partition(":")
        again = policy in ("always", "unless-stopped") or (policy == "on-failure" and code != 0)
        if not again or (limit and container.restarts >= int(limit)):
            return
        container.restarts += 1
        if container.program.exits is None:
            self._begin(container)
        else:
            container.state = "restarting"

    def _finish(self, container: FakeContainer, code: int) -> None:
        container.state, container.exit_code = "exited", code
        container.finished, container.ports = self.state.stamp(), ()
        self.state.tell("die", container)

    def _bind(self, port: Port) -> Port:
        used = {taken.host_port: name for name, taken in self._published()}
        number = port.host_port
        if number in used or number in self.state.port_taken:
            raise port_taken(f"Bind for :{number} failed: port is already allocated",
                             used.get(number, ""))  # fmt: skip
        while not number or number in used or number in self.state.port_taken:
            number = FIRST_EPHEMERAL + self.state.number()
        host = port.host_ip or "0.0.0.0"  # noqa: S104 - said, not listened on
        return port.model_copy(update={"host_port": number, "host_ip": host})

    # looking

    def inspect(self, container: str) -> ContainerInfo | None:
        with self.state.lock:
            self.state.enter("inspect")
            with contextlib.suppress(NotFound):
                return self._container_info(self._container(container))
            return None

    def containers(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        with self.state.lock:
            self.state.enter("containers")
            found = (c for c in self.state.containers.values() if matches(c.spec.labels, labels))
            infos = [self._container_info(container) for container in found]
            return sorted(infos, key=lambda info: info.created)

    def published(self) -> list[tuple[str, Port]]:
        with self.state.lock:
            self.state.enter("published")
            return self._published()

    # their files

    def changes(self, container: str) -> list[Change]:
        with self.state.lock:
            self.state.enter("changes")
            found = self._container(container)
            return files.changes(found.image.files, found.files)

    def export(self, container: str, scope: Scope) -> Iterator[bytes]:
        scope.check()
        with self.state.lock:
            self.state.enter("export")
            data = files.archive(self._container(container).files)
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    def put(self, container: str, files: Mapping[str, bytes]) -> None:
        with self.state.lock:
            self.state.enter("put", container, *files)
            found = self._container(container)
            found.files = applied(
                found.files, {path: FakeFile(data) for path, data in files.items()}
            )

    def _published(self) -> list[tuple[str, Port]]:
        found = self.state.containers.values()
        return [(container.name, port) for container in found for port in container.ports]

    def _container(self, container: str) -> FakeContainer:
        for found in self.state.containers.values():
            if container in (found.id, found.id[:12], found.name):
                return found
        raise NotFound(f"No such container: {container}")

    def _check_name(self, name: str) -> None:
        if any(found.name == name for found in self.state.containers.values()):
            raise EngineRefused(f'Conflict. The container name "/{name}" is already in use')

    def _container_info(self, container: FakeContainer) -> ContainerInfo:
        spec = container.spec
        networks = [spec.network or "bridge", *sorted(container.joined)]
        number = int(container.id, 16) % 65000
        address = f"172.31.{number // 250}.{number % 250 + 2}"
        return ContainerInfo(
            id=container.id, name=container.name, image=container.image.id, image_name=spec.image,
            state=container.state, exit_code=container.exit_code,
            health=self._health(container), health_said=container.program.health_says,
            started=container.started, finished=container.finished,
            created=container.created, restarts=container.restarts,
            ports=container.ports,
            addresses=dict.fromkeys(networks, address) if container.running else {},
            labels={**container.image.labels, **spec.labels}, restart=container.restart,
            environment={**container.image.settings.environment, **spec.environment},
            settings=_settings(container), mounts=spec.mounts,
        )  # fmt: skip

    def _health(self, container: FakeContainer) -> HealthState:
        check = container.spec.health or container.image.health
        if check is None or check.test[:1] == ("NONE",) or container.state == "created":
            return "none"
        container.looks += 1
        if container.looks > container.program.unhealthy_for:
            return "healthy"
        return "unhealthy" if container.program.unhealthy_for == float("inf") else "starting"


def _settings(container: FakeContainer) -> Settings:
    """Those of the image, but for what the container was told."""
    image, spec = container.image.settings, container.spec
    told: dict[str, object] = {
        "entrypoint": spec.entrypoint, "command": spec.command, "user": spec.user,
        "working_dir": spec.working_dir, "stop_signal": spec.stop_signal, "health": spec.health,
    }  # fmt: skip
    known = {name: value for name, value in told.items() if value is not None}
    if spec.entrypoint is not None and spec.command is None:
        known["command"] = ()  # an engine forgets the image's
    ports = (f"{port.container}/{port.protocol}" for port in spec.ports)
    return image.model_copy(
        update={
            **known,
            "environment": {**image.environment, **spec.environment},
            "labels": {**image.labels, **container.image.labels, **spec.labels},
            "ports": tuple(dict.fromkeys([*image.ports, *ports])),
        }
    )
