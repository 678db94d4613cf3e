"""The engine's programs: chosen by apt, unpacked in the cache, never installed on the machine.

apt resolves and downloads with folders and pins of the lab's own, so that /etc/apt, the dpkg
database and any Docker of the machine stay as they are, and no package starts a service.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import sources
from lab.errors import LabError
from lab.paths import Cache, locked
from lab.shell import run

# Debian 12 carries engine 20.10, which is too old to be what people have.
NEWER_RELEASE = "trixie"
NEWER = ("docker.io", "docker-cli", "containerd", "docker-buildx")
# These come from the machine's own release: newer ones want a newer C library.
OWN = (
    "runc",
    "tini",
    "iptables",
    "iproute2",
    "docker-registry",
    "mmdebstrap",
    "apache2-utils",
    "debian-archive-keyring",
)
NEEDS_NEWER = {"bookworm"}
NOT_ON_UBUNTU = {"docker-cli"}  # part of docker.io there
LINKS = {
    "usr/sbin/iptables": "iptables-nft",
    "usr/sbin/ip6tables": "ip6tables-nft",
    "usr/sbin/iptables-save": "iptables-nft-save",
    "usr/sbin/docker-init": "../bin/tini-static",
}


@dataclass(frozen=True)
class Toolbox:
    """The unpacked programs."""

    root: Path

    @property
    def buildx(self) -> Path:
        return self.root / "usr/libexec/docker/cli-plugins/docker-buildx"

    def environ(self, base: Mapping[str, str]) -> dict[str, str]:
        """``base`` with the toolbox first on the path, for daemons and for the lab itself."""
        triplet = f"{platform.machine()}-linux-gnu"
        folders = [self.root / folder for folder in ("usr/sbin", "usr/bin", "sbin", "bin")]
        libraries = [self.root / folder / triplet for folder in ("usr/lib", "lib")]
        return {
            **base,
            "PATH": ":".join(map(str, [*folders, base.get("PATH") or os.defpath])),
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "XTABLES_LIBDIR": str(libraries[0] / "xtables"),
        }

    def program(self, name: str) -> str:
        """The full path of program ``name``. Raises LabError if it is nowhere."""
        found = shutil.which(name, path=self.environ(os.environ)["PATH"])
        if not found:
            raise LabError(f"{name}: not among the lab's tools and not on this machine")
        return found

    def share(self, path: str) -> Path:
        """Where ``path`` of /usr/share is: in the toolbox, else on the machine."""
        own = self.root / "usr/share" / path
        return own if own.exists() else Path("/usr/share") / path


def pin_text(release: str, packages: Sequence[str]) -> str:
    """apt preferences that take only ``packages`` from ``release`` and nothing else."""
    keep_out = [
        f"Package: *\nPin: release n={release}{tail}\nPin-Priority: -1\n"
        for tail in ("", "-updates", "-security")
    ]
    take = [
        f"Package: {' '.join(packages)}\nPin: release n={release}{tail}\nPin-Priority: 990\n"
        for tail in ("", "-updates", "-security")
    ]
    return "\n".join([*keep_out, *take])


def apt_argv(apt: Path, *words: str) -> list[str]:
    """An apt-get command that reads the machine's dpkg status and otherwise only ``apt``."""
    options = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": apt / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": apt / "preferences",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    settings = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ["apt-get", *settings, "-y", *words]


def write_apt_folder(
    apt: Path, machine: list[sources.Source], codename: str, newer: Sequence[str] = NEWER
) -> None:
    """Fill ``apt`` with the machine's sources, the newer release's, and pins that take ``newer``
    from that."""
    for folder in ("sources", "preferences", "lists", "archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    own = [source for source in machine if any(s.startswith(codename) for s in source.suites)]
    (apt / "sources/machine.sources").write_text(sources.render(own))
    if codename in NEEDS_NEWER:
        further = sources.debian(NEWER_RELEASE, machine, codename)
        (apt / "sources/newer.sources").write_text(sources.render(further))
        (apt / "preferences/newer").write_text(pin_text(NEWER_RELEASE, newer))


def check_machine(release: Mapping[str, str], uid: int) -> None:
    """Raises LabError if the lab cannot run on this machine."""
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    remedy = "Install Docker yourself and use it instead: the lab is only a convenience"
    if uid != 0:
        raise LabError(
            f"the lab starts a Docker engine and needs root (this is uid {uid}). {remedy}"
        )
    if not family & {"debian", "ubuntu"} or not shutil.which("apt-get"):
        raise LabError(f"the lab is made from Debian or Ubuntu packages. {remedy}")


def wanted(release: Mapping[str, str]) -> list[str]:
    """The packages that the lab needs on a machine with these fields of /etc/os-release."""
    skip = NOT_ON_UBUNTU if release.get("ID") == "ubuntu" else set()
    return [name for name in (*NEWER, *OWN) if name not in skip]


def toolbox_of(cache: Cache) -> Toolbox:
    """The programs in ``cache``, once ``install`` has put them there.

    Another choice of packages has another folder: engines that run keep theirs.
    """
    release = sources.os_release()
    choice = repr((release.get("VERSION_CODENAME"), wanted(release), LINKS))
    return Toolbox(cache.tools / f"debian-{hashlib.sha256(choice.encode()).hexdigest()[:12]}")


def install(cache: Cache) -> None:
    """Unpack the engine's programs into the cache, unless they are there.

    Raises LabError if the machine is not one for the lab, or the archive does not answer.
    """
    release = sources.os_release()
    check_machine(release, os.geteuid())
    root = toolbox_of(cache).root
    with locked(cache.root / "tools.lock"):
        if not root.is_dir():
            fresh = root.with_suffix(".part")
            shutil.rmtree(fresh, ignore_errors=True)
            unpack(cache.apt, release, fresh, wanted(release))
            fresh.rename(root)


def unpack(
    apt: Path, release: Mapping[str, str], root: Path, packages: Sequence[str],
    newer: Sequence[str] = NEWER,
) -> None:  # fmt: skip
    """Download those of ``packages``, with all that they need, that this machine lacks, and unpack
    them below ``root``; those of ``newer`` come from the newer release."""
    write_apt_folder(apt, sources.read_machine(), release.get("VERSION_CODENAME", ""), newer)
    try:
        run(apt_argv(apt, "update", "--error-on=any"), timeout=180)
        run(apt_argv(apt, "--download-only", "install", *packages), timeout=600)
    except LabError as error:
        raise LabError(
            f"the lab needs packages from this machine's apt sources, and apt cannot get them.\n"
            f"{error}\nMake the package archive reachable, or install Docker yourself"
        ) from error
    root.mkdir(parents=True)
    for package in sorted((apt / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", package, root], timeout=120)
    shutil.rmtree(apt)
    for link, target in LINKS.items():
        path = root / link
        if (path.parent / target).exists() and not path.exists():
            path.symlink_to(target)
