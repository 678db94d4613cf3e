"""What the container was told when it was made, as instructions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.kit.capture import leave
from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.processes import Process, is_idle, is_shell, services
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.secrets import is_secret_name, is_secret_value
from pipeline.ports.engine import Health

_TOOLS_LABELS = re.compile(r"(com\.docker\.|desktop\.docker\.|dockcycle\.).*")


@dataclass(frozen=True)
class Started:
    """``serves`` is what was started by hand in a container that by itself only waits; ``beside``
    are more of them, which one image cannot start."""

    instructions: tuple[m.Instruction, ...]
    secrets: tuple[str, ...]
    """Variables that are left out."""
    unsayable: tuple[str, ...] = ()
    """Variables and labels that are left out since a Dockerfile cannot say their values."""
    serves: Process | None = None
    beside: tuple[Process, ...] = ()
    idle: bool = False
    """It only waits, and nothing is known that it should do."""


def started(evidence: Evidence) -> Started:
    """Everything in which it differs from its image."""
    now, image = evidence.container.settings, evidence.image.settings
    new = _new(now.environment, image.environment)
    hidden = {name for name, v in new.items() if is_secret_name(name) or is_secret_value(v)}
    found: list[m.Instruction] = []
    open_ = {name: value for name, value in new.items() if name not in hidden}
    labels = _new(now.labels, image.labels)
    own = {key: v for key, v in labels.items() if not _TOOLS_LABELS.fullmatch(key)}
    if shown := _sayable(open_):
        found.append(m.Env(_pairs(shown)))
    if shown := _sayable(own):
        found.append(m.Label(_pairs(shown)))
    if ports := [port for port in now.ports if port not in image.ports]:
        found.append(m.Expose(tuple(port.removesuffix("/tcp") for port in ports)))
    if volumes := [path for path in now.volumes if path not in image.volumes]:
        found.append(m.Volume(tuple(volumes)))
    if now.health and now.health != image.health:
        found += _healthcheck(now.health)
    if now.stop_signal and now.stop_signal != image.stop_signal:
        found.append(m.StopSignal(now.stop_signal))
    if now.shell and now.shell != image.shell:
        found.append(m.Shell(now.shell))
    if now.user and now.user != image.user:
        found.append(m.User(now.user))
    main = (*now.entrypoint, *now.command)
    serving = services(evidence.running) if is_idle(main) else []
    first = serving[0] if serving else None
    if first is not None:
        if is_shell(image.entrypoint):
            found.append(m.Entrypoint(m.ExecForm(())))
        found += _serving(first, now.working_dir or image.working_dir or "/", image.working_dir)
    else:
        found += _commands(evidence)
    return Started(
        tuple(found), tuple(sorted(hidden)),
        tuple(sorted({*open_, *own} - {*_sayable(open_), *_sayable(own)})), first,
        tuple(serving[1:]), idle=first is None and is_idle(main),
    )  # fmt: skip


def as_it_ran(evidence: Evidence) -> list[str]:
    """Options of ``docker run`` that are no part of an image."""
    container = evidence.container
    words_ = []
    for port in container.ports:
        host = "" if port.host_ip in ("", "0.0.0.0") else f"{port.host_ip}:"  # noqa: S104 - said
        protocol = "/udp" if port.protocol == "udp" else ""
        words_ += ["-p", f"{host}{port.host_port}:{port.container}{protocol}"]
    for mount in container.mounts:
        words_ += (
            ["--tmpfs", mount.target] if mount.kind == "tmpfs"
            else ["-v", f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"]
        )  # fmt: skip
    if container.restart not in ("", "no"):
        words_ += ["--restart", container.restart]
    return words_


def _new(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in now.items() if before.get(name) != value}


def _sayable(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if leave.is_sayable(name + value)}


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, words.quote(value.replace("$", "\\$"))) for name, value in values.items())


def _healthcheck(health: Health) -> list[m.Instruction]:
    if health.test[:1] == ("NONE",):
        return [m.Healthcheck(None)]
    if not health.test:
        return []
    shell = health.test[0] == "CMD-SHELL"
    text = " ".join(health.test[1:])
    argv = ("sh", "-c", text) if shell else health.test[1:]
    command = m.ShellForm(text) if shell and leave.is_sayable(text) else m.ExecForm(argv)
    times = {
        "interval": health.interval, "timeout": health.timeout,
        "start-period": health.start_period, "start-interval": health.start_interval,
    }  # fmt: skip
    flags = [(name, f"{seconds:g}s") for name, seconds in times.items() if seconds]
    if health.retries:
        flags.append(("retries", str(health.retries)))
    return [m.Healthcheck(command, flags=tuple(flags))]


def _serving(process: Process, folder: str, image_folder: str) -> list[m.Instruction]:
    """What was started by hand, in front, from where it was started."""
    argv = process.foreground
    found: list[m.Instruction] = []
    own = argv[0] == process.argv[0] or process.argv[-len(argv) :] == argv
    here = process.folder if own else folder
    if here != (image_folder or "/"):
        found.append(m.Workdir(here))
    return [*found, m.Cmd(m.ExecForm(argv))]


def _commands(evidence: Evidence) -> list[m.Instruction]:
    now, image = evidence.container.settings, evidence.image.settings
    found: list[m.Instruction] = []
    if now.working_dir and now.working_dir != image.working_dir:
        found.append(m.Workdir(now.working_dir))
    if now.entrypoint != image.entrypoint:
        found.append(m.Entrypoint(m.ExecForm(now.entrypoint)))
    if now.command != image.command or (now.entrypoint != image.entrypoint and now.command):
        found.append(m.Cmd(m.ExecForm(now.command)))
    return found


def shown(argv: Sequence[str]) -> str:
    """As a command line."""
    return shlex.join(argv)
