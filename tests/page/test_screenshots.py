"""Pictures of the page for the docs: written by `make screenshots`, looked at by every test run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Reader, Site
from tests.support import page as support
from tests.support import shop_runs

FOLDER = Path(__file__).parents[2] / "docs" / "page"
WANTED = os.environ.get("DOCKCYCLE_SCREENSHOTS") == "1"
DESKTOP, PHONE = (1200, 800), (390, 780)


@pytest.mark.parametrize(
    ("name", "path", "size", "scheme"),
    [
        ("projects", "/", DESKTOP, "light"),
        ("project", "/p/shop", DESKTOP, "light"),
        ("project-dark", "/p/shop", DESKTOP, "dark"),
        ("run-live-dark", "/p/shop/runs/{running}", DESKTOP, "dark"),
        ("run-failed", "/p/shop/runs/{failed}", DESKTOP, "light"),
        ("run-phone", "/p/shop/runs/{failed}", PHONE, "dark"),
        ("rollback", "/p/shop/rollback/r13", DESKTOP, "light"),
    ],
)
def test_a_picture(
    site: Site, reader: Reader, tmp_path: Path, name: str, path: str, size: tuple[int, int],
    scheme: str,
) -> None:  # fmt: skip
    site.board.clock = lambda: support.NOW
    runs = shop_runs.story(site.board.store)
    shop_runs.neighbours(site.board.store)
    with support.alive(site.board.store):
        page = reader.open(
            path.format(**runs), width=size[0], height=size[1], scheme=scheme, now=support.NOW,
            scale=2 if size == PHONE else 1,
        )  # fmt: skip
        expect(page.locator("h1")).to_be_visible()
        page.evaluate("document.fonts.ready")
        file = (FOLDER if WANTED else tmp_path) / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        page.screenshot(path=file)
    assert file.read_bytes().startswith(b"\x89PNG")
