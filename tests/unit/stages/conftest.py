from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.git_sandbox import Sandbox, shield


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A real git, for the stages that speak to it."""
    home = tmp_path / "home"
    home.mkdir()
    shield(monkeypatch, home)
    work = tmp_path / "wörk tree"
    work.mkdir()
    return Sandbox(work)
