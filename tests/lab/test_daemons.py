"""Configuration of the daemons, and how their processes are told apart."""

import os
from pathlib import Path

import pytest

from lab import engine, paths, process, registry, tools
from lab.errors import LabError
from lab.packages import Toolbox
from lab.process import Daemon, Group

MOUNTS = """\
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
proc /proc proc rw 0 0
"""


@pytest.fixture
def lab() -> paths.Lab:
    return paths.open_lab("blue", {"DOCKCYCLE_LAB_CACHE": "/cache"})


def test_the_engine_shares_no_path_with_another(lab: paths.Lab) -> None:
    settings = engine.settings(lab, Group("blue/engine", MOUNTS), "http://127.0.0.1:5000")

    assert settings["hosts"] == ["unix:///run/dockcycle-lab/blue/docker.sock"]
    for key in ("data-root", "exec-root", "pidfile"):
        assert "/dockcycle-lab/blue/" in str(settings[key])
    assert settings["cgroup-parent"] == "/dockcycle-lab/blue/engine/containers"
    assert settings["registry-mirrors"] == ["http://127.0.0.1:5000"]


def test_nothing_can_be_pushed_to_the_docker_hub_stand_in() -> None:
    config = registry.configuration(Path("/hub"), "127.0.0.1:5000", readonly=True)
    assert config["storage"] == {
        "filesystem": {"rootdirectory": "/hub"},
        "delete": {"enabled": False},
        "maintenance": {"readonly": {"enabled": True}},
    }


def test_the_private_registry_asks_for_a_password() -> None:
    config = registry.configuration(Path("/r"), "127.0.0.1:5001", htpasswd=Path("/secret"))
    assert config["auth"] == {"htpasswd": {"realm": "lab", "path": "/secret"}}


def test_the_unified_hierarchy_tells_processes_apart() -> None:
    assert process.group_mounts(MOUNTS) == ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu"]
    assert str(Group("blue", MOUNTS).path) == "/sys/fs/cgroup/unified/dockcycle-lab/blue"
    with pytest.raises(LabError, match="no control groups"):
        process.group_mounts("proc /proc proc rw 0 0\n")


def test_a_process_is_known_by_its_start_too(tmp_path: Path) -> None:
    daemon = Daemon("d", tmp_path, Group("blue", MOUNTS))
    assert daemon.pid() is None

    daemon.record.write_text(process.identity(os.getpid()))
    assert daemon.pid() == os.getpid()

    daemon.record.write_text(f"{os.getpid()}:1")  # the same number, used again
    assert daemon.pid() is None


@pytest.mark.parametrize("name", ["", "Blue", "-x", "a/b", "a" * 21, "a b"])
def test_names_that_would_not_fit_are_refused(name: str) -> None:
    if name:
        with pytest.raises(LabError, match="lab name"):
            paths.open_lab(name, {})
    else:
        assert paths.open_lab(name, {}).name == paths.DEFAULT_NAME


def test_the_environment_names_the_lab(lab: paths.Lab) -> None:
    assert paths.open_lab(None, {"DOCKCYCLE_LAB": "green"}).name == "green"
    assert paths.open_lab("blue", {"DOCKCYCLE_LAB": "green"}).name == "blue"


def test_the_machines_own_docker_command_goes_before_the_labs(lab: paths.Lab) -> None:
    values = tools.environment(lab, Toolbox(Path("/box")), {"PATH": "/usr/bin"})
    assert values["PATH"] == "/cache/tools/bin:/usr/bin:/box/usr/bin"
    assert values["DOCKER_HOST"] == "unix:///run/dockcycle-lab/blue/docker.sock"
    assert values["DOCKER_CONFIG"].startswith("/var/lib/dockcycle-lab/blue/")
