"""Programs that are Go modules, for the tests of the GitHub Action: built once, into the cache.

By the machine's Go, or by Debian's, unpacked in the cache; both fetch a newer Go by themselves when
a module wants one.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab import packages, sources
from lab.errors import LabError
from lab.paths import Cache, locked
from lab.shell import run

MODULES = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    "act": "github.com/nektos/act@v0.2.89",
}
PACKAGES = ("golang-go",)
FETCHES_OTHERS = (1, 21)
"""The first Go that fetches the version that a module wants."""
BUILD_TIMEOUT = 900.0


def program(cache: Cache, name: str) -> Path:
    """The program ``name`` of MODULES in ``cache``, built first if it is missing.

    Raises LabError if there is no Go to be had, or the module cannot be fetched or built.
    """
    module = MODULES[name]
    target = cache.tools / "go" / module.replace("/", "-") / name
    with locked(cache.root / "gotools.lock"):
        if not target.is_file():
            build(go(cache), module, target)
    return target


def build(compiler: Path, module: str, target: Path) -> None:
    """Write the program of ``module`` as ``target``, whole or not at all; what Go keeps for the
    next time is not kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        environ = environment(os.environ, Path(folder))
        run([compiler, "install", module], timeout=BUILD_TIMEOUT, env=environ)
        (Path(folder) / "bin" / target.name).replace(target)


def environment(base: Mapping[str, str], folder: Path) -> dict[str, str]:
    """``base`` for a Go that writes below ``folder`` only, and writes what can be deleted."""
    return {
        **base,
        "GOTOOLCHAIN": "auto",
        "CGO_ENABLED": "0",
        "GOFLAGS": f"{base.get('GOFLAGS', '')} -modcacherw".strip(),
        "GOPATH": str(folder / "path"),
        "GOMODCACHE": str(folder / "modules"),
        "GOCACHE": str(folder / "cache"),
        "GOBIN": str(folder / "bin"),
    }


def go(cache: Cache) -> Path:
    """The machine's Go if it is new enough, else Debian's. Raises LabError if there is none."""
    own = shutil.which("go")
    if own and version(run([own, "version"], timeout=60)) >= FETCHES_OTHERS:
        return Path(own)
    root = cache.tools / "golang"
    if not root.is_dir():
        release = sources.os_release()
        packages.check_machine(release, os.geteuid())
        fresh = root.with_suffix(".part")
        shutil.rmtree(fresh, ignore_errors=True)
        packages.unpack(cache.root / "apt-go", release, fresh, PACKAGES, newer=("golang*",))
        fresh.rename(root)
    found = sorted(root.glob("usr/lib/go-*/bin/go"))
    if not found:
        raise LabError("there is no Go among this machine's packages; install one")
    return found[-1]


def version(told: str) -> tuple[int, int]:
    """Of Go, from what ``go version`` prints; (0, 0) if that is something else."""
    found = re.search(r"\bgo(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)
