"""From the options of ``run`` to what a container is started from, in each of its lives.

All of these are pure. ``base_spec`` is what a record keeps, with secrets as references; candidate
and live are made from it, so what was tested and what serves differ in nothing but what is said
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, Location, Problem
from pipeline.kit.container_options import ContainerOptions, HealthOptions
from pipeline.kit.hashing import fingerprint
from pipeline.kit.health import quick_start
from pipeline.kit.mounts import located
from pipeline.kit.notes import Note
from pipeline.kit.reach import LOOPBACK
from pipeline.kit.secret_refs import reference
from pipeline.kit.sharing import NOTHING, Sharing, candidate_volume, shared_note
from pipeline.ports.engine import ContainerSpec, Health, ImageInfo, Mount, Port


def main_port(options: ContainerOptions, image: ImageInfo) -> int | None:
    """The container port that checks and links mean: as told, else the image's EXPOSE (one of
    ``ports``, if there are such), or the first of ``ports``. A worker has none."""
    if options.port is not None:
        return options.port
    mapped = [port.container for port in options.ports if port.protocol == "tcp"]
    usual = [port for port in image.ports if not mapped or port in mapped]
    return next(iter(usual or mapped), None)


def base_spec(
    options: ContainerOptions, *, image: ImageInfo, project: str, directory: Path,
    from_files: Mapping[str, str],
) -> ContainerSpec:  # fmt: skip
    """The container as the pipeline file declares it, named after the project.

    ``directory`` is where relative bind mounts start; ``from_files`` are the variables of
    ``env_file``. Values set in ``env`` win over those, secrets over both. Without ``ports`` the
    main port is published under its own number, on loopback only. In a network of the user's it
    is known by the project's name.
    """
    port = main_port(options, image)
    environment = {**({"PORT": str(port)} if port else {}), **from_files, **options.env}
    environment |= {variable: reference(name) for variable, name in options.secrets.items()}
    return ContainerSpec(
        image=image.id,
        name=project,
        command=options.command,
        entrypoint=options.entrypoint,
        environment=environment,
        ports=options.ports or _default_ports(options, port),
        mounts=tuple(
            located(mount, project=project, base=directory)
            for mount in (*options.volumes, *options.tmpfs)
        ),
        network=options.network,
        aliases=(project,) if joins(options.network) else (),
        user=options.user,
        working_dir=options.working_dir,
        hostname=options.hostname,
        restart=options.restart,
        memory=options.memory,
        cpus=options.cpus,
        pids=options.pids_limit,
        init=options.init,
        read_only=options.read_only,
        cap_add=options.cap_add,
        cap_drop=options.cap_drop,
        security_opt=options.security_opt,
        extra_hosts=options.extra_hosts,
        log_driver=options.log.driver,
        log_options=options.log.options(),
        stop_signal=options.stop_signal,
        stop_grace=max(1, round(options.stop_grace_period)),
        health=_health(options.healthcheck) if options.healthcheck else None,
        labels=options.labels,
    )


def joins(network: str | None) -> bool:
    """Is it a network of the user's, where containers find each other by name?"""
    usual = network in (None, "bridge", "default", "host", "none")
    return not usual and not (network or "").startswith("container:")


def _default_ports(options: ContainerOptions, port: int | None) -> tuple[Port, ...]:
    if port is None or options.network in ("host", "none"):
        return ()
    return (Port(container=port, host_port=port, host_ip=LOOPBACK),)


def _health(options: HealthOptions) -> Health:
    if options.disable:
        return Health(test=("NONE",))
    return Health(
        test=options.test or (),
        interval=options.interval,
        timeout=options.timeout,
        start_period=options.start_period,
        start_interval=options.start_interval,
        retries=options.retries,
    )


def as_candidate(
    spec: ContainerSpec, *, name: str, labels: Mapping[str, str], exposed: Iterable[int] = (),
    host_ip: str = LOOPBACK, sharing: Sharing = NOTHING,
) -> tuple[ContainerSpec, tuple[Note, ...]]:  # fmt: skip
    """The same container beside the live one, never in its way, and what is told about it.

    Every port of ``exposed`` and of the spec, in this order, is published at ``host_ip`` on a port
    of the engine's choice. Named volumes are fresh; what else could be written to by both is
    read-only unless ``sharing`` says otherwise. The user's labels are left out: they speak to
    proxies and schedulers, which must not find a candidate. It is not restarted.

    Raises:
        ConfigError: it uses the host's own network, where the live one is.
    """
    if spec.network == "host" or (spec.network or "").startswith("container:"):
        raise ConfigError([_not_doubled(spec.network or "")])
    wanted = [Port(container=number) for number in exposed] + list(spec.ports)
    numbers = dict.fromkeys((port.container, port.protocol) for port in wanted)
    mounts, notes = _candidate_mounts(spec.mounts, name, sharing)
    candidate = spec.model_copy(
        update={
            "name": name,
            "ports": ()
            if spec.network == "none"
            else tuple(Port(container=c, protocol=p, host_ip=host_ip) for c, p in numbers),
            "mounts": mounts,
            "aliases": (),
            "restart": "no",
            "labels": dict(labels),
        }
    )
    return candidate, notes


def _not_doubled(network: str) -> Problem:
    return Problem(
        f"with `network: {network}` a candidate cannot run beside the live container",
        Location(file="pipeline.yml", key="run.network"),
        hint="Name the ports in `ports:` instead, or leave `operate` out to run in place.",
    )


def _candidate_mounts(
    mounts: Iterable[Mount], name: str, sharing: Sharing
) -> tuple[tuple[Mount, ...], tuple[Note, ...]]:
    made: list[Mount] = []
    notes: list[Note] = []
    for mount in mounts:
        if mount.kind == "tmpfs" or (mount.kind == "volume" and not mount.source):
            made.append(mount)
        elif mount.kind == "volume" or sharing.is_fresh(mount.source, mount.target):
            made.append(_fresh(mount, name))
        elif mount.read_only or sharing.is_shared(mount.source, mount.target):
            made.append(mount)
        else:
            made.append(mount.model_copy(update={"read_only": True}))
            notes.append(shared_note(mount.source, mount.target, key="run.volumes"))
    return tuple(made), tuple(notes)


def _fresh(mount: Mount, name: str) -> Mount:
    source = candidate_volume(name, mount.source if mount.kind == "volume" else mount.target)
    return mount.model_copy(update={"kind": "volume", "source": source})


def as_live(
    spec: ContainerSpec, *, name: str, labels: Mapping[str, str],
    ports: tuple[Port, ...] | None = None, restart: str | None = None,
    aliases: tuple[str, ...] | None = None,
) -> ContainerSpec:  # fmt: skip
    """The container that serves: with the user's labels, the spec's own ports and restart policy
    unless others are given."""
    changes: dict[str, Any] = {"name": name, "labels": {**spec.labels, **labels}}
    given = {"ports": ports, "restart": restart, "aliases": aliases}
    changes |= {key: value for key, value in given.items() if value is not None}
    return spec.model_copy(update=changes)


def with_quick_health(spec: ContainerSpec, image: ImageInfo, *, known: bool) -> ContainerSpec:
    """The spec with its health check, or the image's, asked early; see ``quick_start``."""
    own = spec.health
    if own is not None and own.test:
        return spec.model_copy(update={"health": quick_start(own, known)})
    if image.health is None:
        return spec
    changed = own.model_dump(exclude_none=True, exclude={"test"}) if own else {}
    merged = image.health.model_copy(update=changed)
    quick = quick_start(merged, known)
    return spec if quick == merged else spec.model_copy(update={"health": quick})


def named_volumes(spec: ContainerSpec) -> tuple[str, ...]:
    """Names of the volumes that it mounts."""
    return tuple(mount.source for mount in spec.mounts if mount.kind == "volume" and mount.source)


def with_secrets(spec: ContainerSpec, expand: Callable[[str], str]) -> ContainerSpec:
    """The spec with the secrets' values; for the engine only, never for a record."""
    values = {key: expand(value) for key, value in spec.environment.items()}
    return spec.model_copy(update={"environment": values})


def environment(spec: ContainerSpec, expand: Callable[[str], str]) -> str:
    """A hash over the values of the environment, secrets included."""
    return fingerprint(dict(with_secrets(spec, expand).environment))
