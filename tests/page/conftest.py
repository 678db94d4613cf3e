"""A real browser at real pages: the server runs in a thread, its runs are made up."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from lab import browser as lab_browser
from lab.paths import open_lab
from pipeline.app.status import Status
from pipeline.server.pages import Board, Listed
from pipeline.server.pages.health import Standing
from tests.support import page as support

PATIENCE = 60.0
PROJECTS = (
    support.LISTED,
    Listed("hello", "https://git.example.com/acme/hello", ("main",)),
    Listed("mailer", "https://git.example.com/acme/mailer", ("main",)),
    Listed("docs", "https://git.example.com/acme/docs", ("main",)),
)


@dataclass
class Site:
    """A server with pages over a store of its own."""

    board: Board
    wishes: support.Wishes
    port: int = 0
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """At the port that it had before, if it had one."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            support.application(self.board), log_config=None, access_log=False, lifespan="off",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()

    def stop(self) -> None:
        """Cuts every reader off."""
        assert self.server and self.thread
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def ask(name: str) -> Standing:
    """How the projects stand."""
    match name:
        case "shop" | "hello":
            return support.standing(project=name)
        case "mailer":
            return support.standing("degraded", health="unhealthy", project=name)
    return Standing(Status(project=name, state="absent"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    wishes = support.Wishes()
    board = support.board(tmp_path / "home", ask=ask, projects=PROJECTS, actions=wishes)
    made = Site(board, wishes)
    made.start()
    yield made
    made.stop()
    board.health.close()
    board.store.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = lab_browser.chromium(open_lab(None, os.environ).cache)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(found.program), args=["--no-sandbox"],
            env={**os.environ, **found.environ},
        )  # fmt: skip
        yield started
        started.close()


@dataclass
class Reader:
    """Opens pages, and hears of everything that goes wrong in them."""

    browser: Browser
    url: str
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, path: str = "/", *, width: int = 1280, height: int = 860, scheme: str = "light",
        now: float | None = None, scale: float = 1,
    ) -> Page:  # fmt: skip
        """A page in a session of its own; ``now``: its clock stands."""
        context = self.browser.new_context(
            base_url=self.url, viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light", device_scale_factor=scale,
            reduced_motion="reduce", locale="en-GB", timezone_id="UTC",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE * 1000)
        self.contexts.append(context)
        page = context.new_page()
        if now is not None:
            page.clock.set_fixed_time(now * 1000)
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path)
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture
def reader(chromium: Browser, site: Site) -> Iterator[Reader]:
    """What a browser complains of is a failure."""
    made = Reader(chromium, site.url)
    yield made
    for context in made.contexts:
        context.close()
    assert made.complaints == []
