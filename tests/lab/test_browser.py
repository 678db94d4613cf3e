"""The browser is started with libraries and fonts of its own, or the machine's is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import browser
from lab.errors import LabError
from lab.paths import Cache


def test_what_is_unpacked_finds_its_libraries_and_fonts(tmp_path: Path) -> None:
    program = tmp_path / "tools/chromium/usr/lib/chromium/chromium"
    program.parent.mkdir(parents=True)
    program.touch()
    found = browser.chromium(Cache(tmp_path))
    assert found.program == program
    assert str(tmp_path / "tools/chromium/usr/lib") in found.environ["LD_LIBRARY_PATH"]
    assert found.environ["FONTCONFIG_FILE"] == str(tmp_path / "tools/chromium/fonts.conf")


def test_the_machines_own_is_taken_where_none_can_be_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(cache: Cache, root: Path) -> None:
        raise LabError("no Debian here")

    monkeypatch.setattr(browser, "install", refuse)
    monkeypatch.setattr(browser, "_installed", lambda: "/usr/bin/google-chrome")
    assert browser.chromium(Cache(tmp_path)).program == Path("/usr/bin/google-chrome")

    monkeypatch.setattr(browser, "_installed", lambda: None)
    with pytest.raises(LabError, match="no Debian here"):
        browser.chromium(Cache(tmp_path))
