"""Between our types and the Engine API's JSON. Pure: nothing here asks an engine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from pipeline.ports.engine import (
    Change,
    ContainerInfo,
    ContainerSpec,
    EngineInfo,
    Health,
    ImageInfo,
    Mount,
    NetworkInfo,
    Port,
    Settings,
    VolumeInfo,
)

Json = Mapping[str, Any]
_SECOND = 1_000_000_000
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""The kernel's names of architectures, as image platforms spell them."""
_NO_TIME = "0001-01-01T00:00:00Z"
_NOT_ENDED = ("created", "running", "paused")
"""States without an exit code; one that is restarting has that of its last end."""


# to the engine


def container_body(spec: ContainerSpec) -> dict[str, Any]:
    """The body of ``POST /containers/create``."""
    body: dict[str, Any] = {
        "Image": spec.image,
        "Cmd": _list(spec.command),
        "Entrypoint": _list(spec.entrypoint),
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "ExposedPorts": {_key(port): {} for port in spec.ports},
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "Hostname": spec.hostname,
        "StopSignal": spec.stop_signal,
        "StopTimeout": spec.stop_grace,
        "Healthcheck": health_body(spec.health) if spec.health else None,
        "Labels": dict(spec.labels),
        "HostConfig": _host_config(spec),
        "NetworkingConfig": _networking(spec),
    }
    return _without_none(body)


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in spec.ports:
        host_port = str(port.host_port) if port.host_port else ""
        bindings.setdefault(_key(port), []).append({"HostIp": port.host_ip, "HostPort": host_port})
    logs = {"Type": spec.log_driver or "", "Config": dict(spec.log_options)}
    return _without_none(
        {
            "PortBindings": bindings,
            "Mounts": [_mount(mount) for mount in spec.mounts],
            "NetworkMode": spec.network or "default",
            "RestartPolicy": restart_policy(spec.restart),
            "Memory": spec.memory,
            "NanoCpus": None if spec.cpus is None else round(spec.cpus * _SECOND),
            "PidsLimit": spec.pids,
            "Init": spec.init,
            "ReadonlyRootfs": spec.read_only,
            "CapAdd": _list(spec.cap_add),
            "CapDrop": _list(spec.cap_drop),
            "SecurityOpt": _list(spec.security_opt),
            "ExtraHosts": [f"{name}:{address}" for name, address in spec.extra_hosts.items()],
            "LogConfig": logs if spec.log_driver or spec.log_options else None,
        }
    )


def _networking(spec: ContainerSpec) -> dict[str, Any] | None:
    if not spec.network or not spec.aliases:
        return None
    return {"EndpointsConfig": {spec.network: {"Aliases": list(spec.aliases)}}}


def _mount(mount: Mount) -> dict[str, Any]:
    return {
        "Type": mount.kind, "Source": mount.source, "Target": mount.target,
        "ReadOnly": mount.read_only,
    }  # fmt: skip


def health_body(health: Health) -> dict[str, Any]:
    """A health check in the API's nanoseconds; what is None is left to the engine."""
    return _without_none(
        {
            "Test": _list(health.test),
            "Interval": _nanoseconds(health.interval),
            "Timeout": _nanoseconds(health.timeout),
            "StartPeriod": _nanoseconds(health.start_period),
            "StartInterval": _nanoseconds(health.start_interval),
            "Retries": health.retries,
        }
    )


def restart_policy(policy: str) -> dict[str, Any]:
    """``on-failure:5`` and its like, as the API has it."""
    name, _, count = policy.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count) if count.isdecimal() else 0}


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of files by absolute paths. Folders are left to the engine, which makes those
    that are missing and leaves the others as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


# from the engine


def engine_info(info: Json, address: str) -> EngineInfo:
    """From ``GET /info``."""
    machine = str(info.get("Architecture", ""))
    return EngineInfo(
        id=str(info.get("ID", "")),
        name=str(info.get("Name", "")),
        version=str(info.get("ServerVersion", "")).partition("+")[0],
        address=address,
        containerd_store=stores_manifests(info),
        architecture=_GO_NAMES.get(machine, machine),
        os=str(info.get("OSType", "")),
    )


def stores_manifests(info: Json) -> bool:
    """Is it containerd's image store, by ``GET /info``?"""
    status = info.get("DriverStatus") or ()
    return any("io.containerd.snapshotter" in str(value) for _, value in status)


def image_info(image: Json) -> ImageInfo:
    """From ``GET /images/…/json``."""
    config = image.get("Config") or {}
    platform = (image.get("Os"), image.get("Architecture"), image.get("Variant"))
    health = config.get("Healthcheck")
    return ImageInfo(
        id=image["Id"],
        tags=tuple(image.get("RepoTags") or ()),
        digests=tuple(image.get("RepoDigests") or ()),
        size=image.get("Size") or 0,
        created=image.get("Created") or "",
        labels=config.get("Labels") or {},
        platform="/".join(part for part in platform if part),
        ports=_exposed(config.get("ExposedPorts") or {}),
        health=_health(health) if health else None,
        user=config.get("User") or "",
        settings=settings(config),
        layers=tuple((image.get("RootFS") or {}).get("Layers") or ()),
    )


def settings(config: Json) -> Settings:
    """From the ``Config`` of an image or a container."""
    health = config.get("Healthcheck")
    return Settings(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=_environment(config),
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        ports=tuple(config.get("ExposedPorts") or ()),
        volumes=tuple(config.get("Volumes") or ()),
        labels=config.get("Labels") or {},
        health=_health(health) if health else None,
        stop_signal=config.get("StopSignal") or "",
        shell=tuple(config.get("Shell") or ()),
    )


def container_info(container: Json) -> ContainerInfo:
    """From ``GET /containers/…/json``."""
    state, config = container["State"], container["Config"]
    network = container.get("NetworkSettings") or {}
    restart = (container.get("HostConfig") or {}).get("RestartPolicy") or {}
    return ContainerInfo(
        id=container["Id"],
        name=container["Name"].removeprefix("/"),
        image=container["Image"],
        image_name=config.get("Image") or "",
        state=state["Status"],
        exit_code=None if state["Status"] in _NOT_ENDED else state.get("ExitCode"),
        oom_killed=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        health=_health_status(state.get("Health")),
        health_said=_health_said(state.get("Health")),
        started=_time(state.get("StartedAt")),
        finished=_time(state.get("FinishedAt")),
        created=container.get("Created") or "",
        restarts=container.get("RestartCount") or 0,
        ports=_bound(network.get("Ports") or {}),
        addresses={
            name: end["IPAddress"]
            for name, end in (network.get("Networks") or {}).items()
            if end.get("IPAddress")
        },
        labels=config.get("Labels") or {},
        restart=_policy(restart),
        environment=_environment(config),
        settings=settings(config),
        mounts=_mounts(container.get("Mounts") or ()),
    )


def change(item: Json) -> Change:
    """From ``GET /containers/…/changes``."""
    kinds: tuple[Literal["changed", "added", "deleted"], ...] = ("changed", "added", "deleted")
    return Change(path=item["Path"], kind=kinds[item["Kind"]])


def published_ports(containers: Iterable[Json]) -> list[tuple[str, Port]]:
    """From ``GET /containers/json``: (container name, port), each host port once."""
    found: dict[tuple[str, int, str], tuple[str, Port]] = {}
    for container in containers:
        name = (container.get("Names") or [""])[0].removeprefix("/")
        for port in container.get("Ports") or ():
            if "PublicPort" not in port:
                continue
            mapped = Port(
                container=port["PrivatePort"], host_port=port["PublicPort"],
                host_ip=port.get("IP", ""), protocol=port["Type"],
            )  # fmt: skip
            key = (name, mapped.host_port, mapped.protocol)
            if key not in found or ":" in found[key][1].host_ip:  # IPv4 stands for its IPv6 twin
                found[key] = (name, mapped)
    return list(found.values())


def network_info(network: Json) -> NetworkInfo:
    """From ``GET /networks`` and ``GET /networks/…``."""
    return NetworkInfo(id=network["Id"], name=network["Name"], labels=network.get("Labels") or {})


def volume_info(volume: Json) -> VolumeInfo:
    """From ``GET /volumes`` and ``POST /volumes/create``."""
    return VolumeInfo(
        name=volume["Name"], labels=volume.get("Labels") or {},
        created=volume.get("CreatedAt") or "",
    )  # fmt: skip


def label_filter(labels: Mapping[str, str]) -> list[str]:
    """Labels as the API filters by them; an empty value asks for the key alone."""
    return [f"{key}={value}" if value else key for key, value in labels.items()]


def _environment(config: Json) -> dict[str, str]:
    pairs = (item.partition("=") for item in config.get("Env") or ())
    return {name: value for name, _, value in pairs}


def _mounts(mounts: Iterable[Json]) -> tuple[Mount, ...]:
    return tuple(
        Mount(
            kind=mount["Type"], source=mount.get("Name") or mount.get("Source") or "",
            target=mount["Destination"], read_only=not mount.get("RW", True),
        )
        for mount in mounts
        if mount["Type"] in ("bind", "volume", "tmpfs")
    )  # fmt: skip


def _bound(ports: Mapping[str, list[dict[str, str]] | None]) -> tuple[Port, ...]:
    found: dict[tuple[str, str], Port] = {}
    for key, bindings in ports.items():
        number, _, protocol = key.partition("/")
        for binding in bindings or ():
            port = Port(
                container=int(number), host_port=int(binding["HostPort"]),
                host_ip=binding["HostIp"], protocol=_protocol(protocol),
            )  # fmt: skip
            twin = found.get((key, binding["HostPort"]))
            if twin is None or ":" in twin.host_ip:
                found[key, binding["HostPort"]] = port
    # Over IPv6 an ephemeral port may be another one: that is the same door, not a second port.
    families = {port.container for port in found.values() if ":" not in port.host_ip}
    return tuple(
        port for port in found.values() if ":" not in port.host_ip or port.container not in families
    )


def _protocol(text: str) -> Literal["tcp", "udp"]:
    return "udp" if text == "udp" else "tcp"


def _exposed(ports: Mapping[str, Any]) -> tuple[int, ...]:
    pairs = (key.partition("/") for key in ports)
    return tuple(int(number) for number, _, protocol in pairs if protocol in ("", "tcp"))


def _health(health: Json) -> Health:
    return Health(
        test=tuple(health.get("Test") or ()),
        interval=_seconds(health.get("Interval")),
        timeout=_seconds(health.get("Timeout")),
        start_period=_seconds(health.get("StartPeriod")),
        start_interval=_seconds(health.get("StartInterval")),
        retries=health.get("Retries") or None,
    )


def _health_said(health: Json | None) -> str:
    log = (health or {}).get("Log") or [{}]
    return (log[-1].get("Output") or "").strip()


def _health_status(health: Json | None) -> Literal["none", "starting", "healthy", "unhealthy"]:
    status = (health or {}).get("Status") or "none"
    return cast("Literal['none', 'starting', 'healthy', 'unhealthy']", status)


def _policy(policy: Json) -> str:
    name, count = policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0
    return f"{name}:{count}" if count else name


def _time(text: str | None) -> str:
    return "" if text in (None, _NO_TIME) else text


def _key(port: Port) -> str:
    return f"{port.container}/{port.protocol}"


def _list(items: tuple[str, ...] | None) -> list[str] | None:
    return None if items is None else list(items)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _SECOND)


def _seconds(nanoseconds: int | None) -> float | None:
    return nanoseconds / _SECOND if nanoseconds else None


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
