"""Docker Compose in memory: implements ``pipeline.ports.Compose`` over any engine.

It reads Compose files in their long spellings only, as ``docker compose config`` prints them, and
does of a model what tests look at: containers, volumes, networks, the order of ``depends_on``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, DockcycleError, Location, Problem, StageFailed
from pipeline.kit.compose_model import (
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    published,
    services,
)
from pipeline.kit.compose_text import pairs
from pipeline.kit.hashing import fingerprint
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Engine, Mount, OnLine
from pipeline.scope import Scope

_HASH_LABEL = "com.docker.compose.config-hash"
_NUMBER_LABEL = "com.docker.compose.container-number"


def _number(container: ContainerInfo) -> int:
    return int(container.labels.get(_NUMBER_LABEL, "1"))


class FakeCompose:
    """``ups`` has every model that was started, values included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.ups: list[Model] = []
        self._failures: list[DockcycleError] = []

    def fail(self, *errors: DockcycleError) -> None:
        """Script: the next calls of ``up`` raise these, one each, before anything is done."""
        self._failures.extend(errors)

    def resolve(
        self, files: Sequence[str], *, directory: str, project: str,
        profiles: Sequence[str] = (), env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None, on_line: OnLine | None = None, scope: Scope,
    ) -> Model:  # fmt: skip
        import yaml

        scope.check()
        model: dict[str, Any] = {"name": project}
        for file in files:
            text = Path(file).read_text(encoding="utf-8")
            for name, value in (environment or {}).items():
                text = text.replace(f"${{{name}}}", value)
            try:
                parts = yaml.safe_load(text) or {}
            except yaml.YAMLError as error:
                raise ConfigError([Problem(str(error), Location(file=file))]) from error
            for part, entries in parts.items():
                if isinstance(entries, dict):
                    model[part] = {**model.get(part, {}), **entries}
        model["services"] = {
            name: _absolute(service, directory)
            for name, service in model.get("services", {}).items()
            if not service.get("profiles") or set(service["profiles"]) & set(profiles)
        }
        return model

    def up(
        self, model: Model, *, project: str, services: Sequence[str] = (), pull: bool = True,
        remove_orphans: bool = False, recreate: bool = False, on_line: OnLine, scope: Scope,
        count: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.ups.append(model)
        if self._failures:
            raise self._failures.pop(0)
        work = _Up(self._engine, model, project, on_line, scope, recreate)
        if count:
            for name, wanted in count.items():
                work.more(name, wanted)
            return
        work.all(services)
        if remove_orphans:
            for container in self._containers(project):
                if container.labels[SERVICE_LABEL] not in model["services"]:
                    self._engine.remove(container.id, volumes=True)

    def stop(
        self, model: Model, *, project: str, services: Sequence[str] = (), on_line: OnLine,
        scope: Scope,
    ) -> None:  # fmt: skip
        for container in self._containers(project):
            if not services or container.labels[SERVICE_LABEL] in services:
                self._engine.stop(container.id)

    def down(
        self, model: Model | None, *, project: str, volumes: bool, on_line: OnLine, scope: Scope
    ) -> None:
        for container in self._containers(project):
            self._engine.remove(container.id, volumes=volumes)
        for network in self._engine.networks({PROJECT_LABEL: project}):
            self._engine.remove_network(network.name)
        for volume in self._engine.volumes({PROJECT_LABEL: project}) if volumes else ():
            self._engine.remove_volume(volume.name)

    def _containers(self, project: str) -> list[ContainerInfo]:
        return self._engine.containers({PROJECT_LABEL: project})


def _absolute(service: dict[str, Any], directory: str) -> dict[str, Any]:
    build = service.get("build")
    if not build:
        return service
    context = str(Path(directory, build.get("context", ".")).resolve())
    return {**service, "build": {"dockerfile": "Dockerfile", **build, "context": context}}


class _Up:
    """One ``up``: each service after those that it depends on."""

    def __init__(
        self, engine: Engine, model: Model, project: str, on_line: OnLine, scope: Scope,
        recreate: bool,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._model = model
        self._project = project
        self._tell: Callable[[str], None] = on_line
        self._scope = scope
        self._recreate = recreate
        self._done: dict[str, str] = {}

    def all(self, chosen: Sequence[str]) -> None:
        for kind, make in (
            ("networks", self._engine.create_network), ("volumes", self._engine.create_volume)
        ):  # fmt: skip
            for name, definition in (self._model.get(kind) or {}).items():
                given = definition or {}
                if not given.get("external"):
                    mark = {PROJECT_LABEL: self._project}
                    make(self._own(name, given), pairs(given.get("labels")) | mark)
        for name in chosen or services(self._model):
            self._service(name)

    def more(self, name: str, wanted: int) -> None:
        """Start further containers of a service, until there are that many."""
        for _ in range(wanted - len(self._present(name))):
            spec = self._spec(name, services(self._model)[name])
            self._engine.start(self._engine.create(self._numbered(spec, name, self._next(name))))

    def _present(self, name: str) -> list[ContainerInfo]:
        return self._engine.containers({PROJECT_LABEL: self._project, SERVICE_LABEL: name})

    def _next(self, name: str) -> int:
        return max((_number(one) for one in self._present(name)), default=0) + 1

    def _numbered(self, spec: ContainerSpec, service: str, number: int) -> ContainerSpec:
        labels = {**spec.labels, _NUMBER_LABEL: str(number)}
        name = f"{self._project}-{service}-{number}"
        return spec.model_copy(update={"name": name, "labels": labels})

    def _own(self, name: str, definition: Mapping[str, Any]) -> str:
        return str(definition.get("name") or f"{self._project}_{name}")

    def _service(self, name: str) -> None:
        if name in self._done:
            return
        self._scope.check()
        service = services(self._model)[name]
        for needed, condition in (service.get("depends_on") or {}).items():
            self._service(needed)
            self._await(needed, condition.get("condition", "service_started"))
        self._done[name] = self._start(name, service)
        self._tell(f" Container {self._project}-{name}-1 Started")

    def _await(self, name: str, condition: str) -> None:
        container = self._done[name]
        info = self._engine.inspect(container)
        if condition == "service_completed_successfully":
            if (code := self._engine.wait(container, self._scope)) != 0:
                raise StageFailed(f'service "{name}" didn\'t complete successfully: exit {code}')
        elif condition == "service_healthy":
            while info and info.health == "starting":
                info = self._engine.inspect(container)
            if info is None or info.health == "unhealthy" or not info.running:
                raise StageFailed(f"dependency failed to start: {name}")

    def _start(self, name: str, service: Mapping[str, Any]) -> str:
        spec = self._spec(name, service)
        there = self._present(name)
        alike = [c for c in there if c.labels.get(_HASH_LABEL) == spec.labels[_HASH_LABEL]]
        present = next(iter([*alike, *there]), None) or self._engine.inspect(spec.name)
        same = present and present.labels.get(_HASH_LABEL) == spec.labels[_HASH_LABEL]
        if present and same and not self._recreate:
            container = present.id
        else:
            if present:
                self._engine.remove(present.id)
            container = self._engine.create(spec)
        if not (present and same and present.running):
            self._engine.start(container)
        return container

    def _spec(self, name: str, service: Mapping[str, Any]) -> ContainerSpec:
        marks = {
            PROJECT_LABEL: self._project, SERVICE_LABEL: name, ONE_OFF_LABEL: "False",
            _HASH_LABEL: fingerprint(json.loads(json.dumps(service))),
        }  # fmt: skip
        return ContainerSpec(
            image=str(service["image"]),
            name=str(service.get("container_name") or f"{self._project}-{name}-1"),
            command=tuple(service["command"]) if service.get("command") else None,
            environment=pairs(service.get("environment")),
            ports=published(service),
            mounts=tuple(self._mount(mount) for mount in service.get("volumes") or ()),
            restart=str(service.get("restart") or "no"),
            labels=pairs(service.get("labels")) | marks,
        )

    def _mount(self, mount: Mapping[str, Any]) -> Mount:
        source = str(mount.get("source") or "")
        if mount["type"] == "volume" and source:
            source = self._own(source, (self._model.get("volumes") or {}).get(source) or {})
        return Mount(
            kind=mount["type"], source=source, target=mount["target"],
            read_only=bool(mount.get("read_only")),
        )  # fmt: skip
