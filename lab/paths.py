"""Where a lab keeps its things: a shared cache, and state and sockets of its own."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

DEFAULT_NAME = "default"
CACHE = Path("/var/cache/dockcycle-lab")
STATE = Path("/var/lib/dockcycle-lab")
RUN = Path("/run/dockcycle-lab")
# The name becomes part of interface names, cgroups and socket paths, which are all short.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")


@dataclass(frozen=True)
class Cache:
    """What is downloaded or built once for all labs of the machine."""

    root: Path

    @property
    def apt(self) -> Path:
        return self.root / "apt"

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @property
    def hub(self) -> Path:
        return self.root / "hub"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


@dataclass(frozen=True)
class Lab:
    """One named lab and its folders."""

    name: str
    cache: Cache
    state: Path
    run: Path

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def docker_host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def host_network_holder(self) -> Path:
        """Says which lab's engine lives in the machine's own network."""
        return self.run.parent / "host-network"

    @property
    def docker_config(self) -> Path:
        return self.state / "docker-config"

    @property
    def settings_file(self) -> Path:
        return self.run / "lab.json"

    @property
    def lock(self) -> Path:
        """Beside the folder and not in it: the folder can go while the lock is held."""
        return self.run.with_suffix(".lock")

    @property
    def git_remote(self) -> Path:
        return self.state / "git" / "remote.git"


def open_lab(name: str | None, environ: Mapping[str, str]) -> Lab:
    """The lab called ``name``, else the one of DOCKCYCLE_LAB, else the default one."""
    chosen = name or environ.get("DOCKCYCLE_LAB") or DEFAULT_NAME
    if not NAME.fullmatch(chosen):
        raise LabError(f"lab name {chosen!r}: use 1 to 20 of a-z, 0-9 and '-'")
    cache = Path(environ.get("DOCKCYCLE_LAB_CACHE") or CACHE)
    return Lab(chosen, Cache(cache), STATE / chosen, RUN / chosen)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; the kernel frees it if the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
