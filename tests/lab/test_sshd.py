"""What the lab's SSH server and its clients are told; tests/engine/test_remote.py uses it."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

import pytest

from lab import paths
from lab.network import OwnNetwork
from lab.packages import Toolbox
from lab.process import Group
from lab.sshd import Sshd

MOUNTS = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    cache = paths.Cache(tmp_path / "cache")
    lab = paths.Lab("blue", cache, tmp_path / "state", tmp_path / "run")
    network = OwnNetwork("blue", {})
    subnet = ipaddress.IPv4Network("10.213.7.0/30")
    monkeypatch.setattr(OwnNetwork, "subnet", lambda self: subnet)
    return Sshd(lab, Toolbox(tmp_path / "tools"), network, Group("blue/services", MOUNTS))


def test_it_takes_one_key_and_its_clients_one_host(server: Sshd, tmp_path: Path) -> None:
    server.write(tmp_path / "root", server.host)
    folder = tmp_path / "state/ssh"
    config = (folder / "sshd_config").read_text()
    assert f"AuthorizedKeysFile {folder}/key.pub" in config
    assert "PasswordAuthentication no" in config
    assert f"DOCKER_HOST=unix://{tmp_path}/run/docker.sock" in config
    assert (folder / "known_hosts").read_text().startswith("10.213.7.2 ssh-ed25519 ")
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


def test_the_ssh_of_its_clients_reads_its_files_only(server: Sshd, tmp_path: Path) -> None:
    server.write(tmp_path / "root", server.host)
    folder = tmp_path / "state/ssh"
    assert f"-F {folder}/config" in (folder / "bin/ssh").read_text()
    told = (folder / "config").read_text()
    assert "StrictHostKeyChecking yes" in told
    assert f"UserKnownHostsFile {folder}/known_hosts" in told
