"""A real SSH server in the lab's network, whose sessions have the lab's docker command.

Nothing is installed or changed on the machine: the server sees an /etc/passwd and a /run of its
own, and its host key, and the only key that it takes, are the lab's.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import packages, sources
from lab.engine import healthy
from lab.errors import LabError
from lab.network import OwnNetwork
from lab.packages import Toolbox
from lab.paths import RUN, Cache, Lab, locked
from lab.process import Daemon, Group
from lab.registry import listens
from lab.shell import run

PACKAGES = ("openssh-server", "openssh-client")
PORT = 22
START_TIMEOUT = 20.0
STOP_TIMEOUT = 5.0
ALONE = """\
mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd &&
mkdir -p "$1/run/sshd" "$1$2" && mount --rbind "$2" "$1$2" && mount --rbind "$1/run" /run &&
shift 2 && exec "$@"
"""
"""In a mount namespace of its own. Its words: the server's folder, the labs' own (below /run), the
command."""
PASSWD = """\
root:x:0:0:root:{home}:/bin/sh
sshd:x:65533:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
SERVER = """\
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
SetEnv PATH={path} DOCKER_HOST={docker} LD_LIBRARY_PATH={libraries}
"""
CLIENT = """\
Host *
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""
WRAPPER = """\
#!/bin/sh
exec {ssh} -F {folder}/config "$@"
"""


@dataclass(frozen=True)
class Sshd:
    """The SSH server of one lab, which must have a network of its own."""

    lab: Lab
    toolbox: Toolbox
    network: OwnNetwork
    group: Group

    @property
    def folder(self) -> Path:
        return self.lab.state / "ssh"

    @property
    def daemon(self) -> Daemon:
        return Daemon("sshd", self.lab.run, self.group)

    @property
    def host(self) -> str:
        """The address of the lab's end of its way out."""
        subnet = self.network.subnet()
        if subnet is None:
            raise LabError(f"the network of lab {self.lab.name!r} is not up")
        return str(list(subnet.hosts())[1])

    def up(self) -> dict[str, str]:
        """Make it run; the variables with which it is used: where the engine is, and a folder for
        the front of PATH, whose ssh knows the keys. Raises LabError."""
        if not healthy(self.lab.socket):
            raise LabError(f"the engine of lab {self.lab.name!r} is not up")
        root, host, daemon = installed(self.lab.cache), self.host, self.daemon
        if daemon.pid() is None or not self.answers():
            daemon.stop(STOP_TIMEOUT)
            self.write(root, host)
            program = str(root / "usr/sbin/sshd")
            alone = ["unshare", "--mount", "sh", "-c", ALONE, "sh", str(self.folder), str(RUN)]
            config = str(self.folder / "sshd_config")
            daemon.start(
                self.network.enter([*alone, program, "-D", "-e", "-f", config]),
                env=library_path(root, os.environ),
                ready=self.answers,
                timeout=START_TIMEOUT,
            )
        return {
            "DOCKCYCLE_LAB_SSH": f"ssh://root@{host}",
            "DOCKCYCLE_LAB_SSH_PATH": str(self.folder / "bin"),
        }

    def answers(self) -> bool:
        pid = self.daemon.pid()
        return pid is not None and listens(pid, PORT)

    def write(self, root: Path, host: str) -> None:
        """Its files, and those of its clients."""
        folder = self.folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True, mode=0o700)
        keygen = shutil.which("ssh-keygen") or str(root / "usr/bin/ssh-keygen")
        for name in ("host_key", "key"):
            run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name], timeout=30)
        public = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text(f"{host} {public}")
        (folder / "passwd").write_text(PASSWD.format(home=folder))
        environ = self.toolbox.environ({"PATH": os.defpath})
        server = SERVER.format(
            port=PORT, folder=folder, docker=self.lab.docker_host, path=environ["PATH"],
            libraries=environ["LD_LIBRARY_PATH"],
        )  # fmt: skip
        (folder / "sshd_config").write_text(server)
        (folder / "config").write_text(CLIENT.format(folder=folder))
        wrapper = folder / "bin/ssh"
        ssh = shutil.which("ssh") or str(root / "usr/bin/ssh")
        wrapper.write_text(WRAPPER.format(ssh=ssh, folder=folder))
        wrapper.chmod(0o755)

    def down(self) -> None:
        self.daemon.stop(STOP_TIMEOUT)


def installed(cache: Cache) -> Path:
    """The folder of the server's program, put there first if it is missing. Raises LabError."""
    root = cache.tools / "sshd"
    with locked(cache.root / "sshd.lock"):
        if not root.is_dir():
            release = sources.os_release()
            packages.check_machine(release, os.geteuid())
            fresh = root.with_suffix(".part")
            shutil.rmtree(fresh, ignore_errors=True)
            packages.unpack(cache.root / "apt-sshd", release, fresh, PACKAGES)
            fresh.rename(root)
    return root


def library_path(root: Path, base: Mapping[str, str]) -> dict[str, str]:
    """``base`` with the libraries that came with the server."""
    triplet = f"{platform.machine()}-linux-gnu"
    folders = [root / folder / triplet for folder in ("usr/lib", "lib")]
    return {**base, "LD_LIBRARY_PATH": ":".join(map(str, folders))}
