"""The machine's apt sources, pointed at another release."""

from pathlib import Path

import pytest

from lab import sources
from lab.errors import LabError
from lab.sources import Source

DEB822 = """\
Types: deb
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: bookworm
Components: main

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
"""


def test_deb822_sources_are_read_without_those_switched_off_or_of_source_packages() -> None:
    assert list(sources.parse_deb822(DEB822)) == [
        Source(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main",),
            "/usr/share/keyrings/debian-archive-keyring.gpg",
        ),
        Source(
            "http://mirror.example/debian-security",
            ("bookworm-security",),
            ("main", "contrib"),
        ),
    ]


def test_one_line_sources_are_read_with_their_options() -> None:
    text = (
        "# deb http://mirror.example/no bookworm main\n"
        "deb-src http://mirror.example/no bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/d bookworm main contrib # why\n"
        "deb http://mirror.example/d bookworm-updates main\n"
    )
    assert list(sources.parse_list(text)) == [
        Source("http://mirror.example/d", ("bookworm",), ("main", "contrib"), "/k.gpg"),
        Source("http://mirror.example/d", ("bookworm-updates",), ("main",)),
    ]


def test_files_of_both_kinds_are_found(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://mirror.example/a bookworm main\n")
    (tmp_path / "sources.list.d/b.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/b\nSuites: bookworm\nComponents: main\n"
    )
    (tmp_path / "sources.list.d/c.list.off").write_text("deb http://mirror.example/c x main\n")

    found = [source.uri for source in sources.read_machine(tmp_path)]

    assert found == ["http://mirror.example/a", "http://mirror.example/b"]


def test_only_the_distributions_own_archive_is_pointed_at_the_other_release() -> None:
    machine = [
        Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",)),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",)),
        Source("http://vendor.example/apt", ("bookworm",), ("main",), "/etc/keys/vendor.gpg"),
        Source("http://docker.example/linux", ("bookworm",), ("stable",)),
        Source("http://pg.example/apt", ("bookworm-pgdg",), ("main",)),
    ]
    text = sources.render(sources.debian("trixie", machine, "bookworm"))

    assert "Suites: trixie trixie-updates\n" in text
    assert "Suites: trixie-security\n" in text
    assert text.count("URIs:") == 2
    assert "vendor" not in text


def test_a_release_whose_name_begins_alike_is_not_renamed() -> None:
    source = Source("u", ("sid", "sidux"), ("main",))
    assert source.for_release("sid", "trixie").suites == ("trixie", "sidux")


def test_a_machine_without_debian_says_what_to_set() -> None:
    ubuntu = [Source("http://mirror.example/ubuntu", ("noble",), ("main",))]
    with pytest.raises(LabError, match="DOCKCYCLE_LAB_MIRROR"):
        sources.debian("bookworm", ubuntu, "jammy")


def test_the_mirror_that_was_named_is_used() -> None:
    found = sources.debian("bookworm", [], "noble", mirror="http://mirror.example/debian")
    assert "URIs: http://mirror.example/debian" in sources.render(found)
    assert found[0].suites == ("bookworm", "bookworm-updates")


def test_os_release_fields_lose_their_quotes(tmp_path: Path) -> None:
    file = tmp_path / "os-release"
    file.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n\n')
    assert sources.os_release(file) == {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    assert sources.os_release(tmp_path / "none") == {}
