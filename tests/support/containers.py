"""Containers of the fake engine that somebody changed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.adapters.fake.files import FakeFile
from pipeline.adapters.fake_engine import FakeEngine, Program
from pipeline.kit.capture import Captured, capture
from pipeline.kit.capture.processes import LOOK
from pipeline.ports.engine import ContainerSpec, ExecResult, Mount, Port, Settings
from pipeline.scope import Scope

BASE = "debian:bookworm-slim"
STATUS = "/var/lib/dpkg/status"
INFO = "/var/lib/dpkg/info"
PASSWD = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nwww-data:x:33:\n"
IMAGE: Mapping[str, FakeFile] = {
    "/bin/sh": FakeFile(mode=0o755),
    "/usr/sbin/useradd": FakeFile(mode=0o755),
    "/etc/passwd": FakeFile(PASSWD.encode()),
    "/etc/group": FakeFile(GROUP.encode()),
    "/etc/motd": FakeFile(b"hello\n"),
    "/etc/skel/.profile": FakeFile(b"umask 022\n"),
    "/srv": FakeFile(mode=0o755, folder=True),
    STATUS: FakeFile(b"Package: libc6\nStatus: install ok installed\nVersion: 2.36\n"),
}


def text(content: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> FakeFile:
    return FakeFile(content.encode(), mode, uid, gid)


def package(name: str, version: str, depends: str = "", conffiles: str = "") -> str:
    """A stanza of dpkg's status."""
    lines = [f"Package: {name}", "Status: install ok installed", "Architecture: amd64",
             f"Version: {version}"]  # fmt: skip
    lines += [f"Depends: {depends}"] if depends else []
    lines += ["Conffiles:", *(f" {line}" for line in conffiles.splitlines())] if conffiles else []
    return "\n" + "\n".join(lines) + "\n"


def by_hand(
    files: Mapping[str, FakeFile | None], *, runs: str = "", image: Settings | None = None,
    engine: FakeEngine | None = None, base: Mapping[str, FakeFile] = IMAGE,
    command: Sequence[str] = ("sleep", "infinity"), environment: Mapping[str, str] | None = None,
    mounts: tuple[Mount, ...] = (), ports: tuple[Port, ...] = (),
) -> FakeEngine:  # fmt: skip
    """An engine with a running container ``web`` in which ``files`` were written, or removed
    (None). ``runs`` are lines of what looking at its processes prints."""
    looks = {("sh", "-c", LOOK): ExecResult(exit_code=0, output=f"99\n{runs}")}
    engine = engine or FakeEngine()
    engine.publish(BASE, files=base, settings=image or Settings())
    found = engine.pull(BASE, None, lambda line: None, Scope(10))
    engine.state.programs = {tuple(command): Program(files=files, commands=looks)}
    container = engine.create(
        ContainerSpec(
            image=found.id, name="web", command=tuple(command), environment=environment or {},
            mounts=mounts, ports=ports,
        )
    )  # fmt: skip
    engine.start(container)
    return engine


def captured(files: Mapping[str, FakeFile | None], **more: object) -> Captured:
    """What ``capture`` makes of such a container."""
    return capture(by_hand(files, **more), "web", Scope(30))  # type: ignore[arg-type] # handed on


def left(found: Captured) -> dict[str, str]:
    """Path → why it is left out."""
    return {path: each.why for each in found.plan.left for path in each.paths}
