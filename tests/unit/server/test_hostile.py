"""A real repository whose names mean harm, and a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.hostile import hostile
from tests.load.site import Site
from tests.unit.git_sandbox import shield


def test_nothing_reaches_a_shell_a_terminal_or_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "user").mkdir()
    shield(monkeypatch, tmp_path / "user")
    site = Site(tmp_path)
    try:
        site.start()
        rows = list(hostile(site))
    finally:
        site.kill()
    assert rows
    assert [str(row) for row in rows if not row.fine] == []
