"""What apt is asked for, and where the unpacked programs are found."""

from pathlib import Path

import pytest

from lab import packages
from lab.errors import LabError
from lab.packages import Toolbox
from lab.sources import Source


def test_pins_take_the_named_packages_and_nothing_else_of_the_newer_release() -> None:
    stanzas = packages.pin_text("trixie", ["docker.io", "containerd"]).split("\n\n")

    assert "Package: *\nPin: release n=trixie\nPin-Priority: -1" in stanzas
    assert "Package: docker.io containerd\nPin: release n=trixie\nPin-Priority: 990" in stanzas
    everything = [stanza for stanza in stanzas if "Package: *" in stanza]
    assert len(everything) == 3
    assert all("Pin-Priority: -1" in stanza for stanza in everything)


def test_apt_reads_and_writes_below_the_labs_folder_only() -> None:
    argv = packages.apt_argv(Path("/cache/apt"), "--download-only", "install", "runc")

    assert argv[0] == "apt-get"
    assert argv[-4:] == ["-y", "--download-only", "install", "runc"]
    for option in ("Dir::Etc::sourceparts", "Dir::State::lists", "Dir::Cache"):
        assert any(word.startswith(f"{option}=/cache/apt") for word in argv)
    assert "Dir::Etc::sourcelist=/dev/null" in argv


@pytest.mark.parametrize(
    ("codename", "files"),
    [
        ("bookworm", {"sources/machine.sources", "sources/newer.sources", "preferences/newer"}),
        ("trixie", {"sources/machine.sources"}),
    ],
)
def test_the_newer_release_is_added_only_where_the_engine_is_too_old(
    tmp_path: Path, codename: str, files: set[str]
) -> None:
    machine = [Source("http://mirror.example/debian", (codename,), ("main",))]
    packages.write_apt_folder(tmp_path, machine, codename)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == files


def test_only_root_on_debian_or_ubuntu_can_have_a_lab() -> None:
    debian = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    with pytest.raises(LabError, match="needs root"):
        packages.check_machine(debian, uid=1000)
    with pytest.raises(LabError, match="Debian or Ubuntu"):
        packages.check_machine({"ID": "fedora", "VERSION_CODENAME": ""}, uid=0)


def test_the_toolbox_comes_first_for_daemons_and_keeps_the_rest() -> None:
    environ = Toolbox(Path("/box")).environ({"PATH": "/bin", "LANG": "C"})
    assert environ["PATH"].split(":")[:2] == ["/box/usr/sbin", "/box/usr/bin"]
    assert environ["PATH"].endswith(":/bin")
    assert environ["LANG"] == "C"


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-such-program"):
        Toolbox(tmp_path).program("no-such-program")
