"""The engine dies under a supervisor, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest
from tests.engine.guarding import (
    container,
    first_healthy,
    guarded,
    healthy,
    make_shop,
    serves,
    started,
)
from tests.engine.small import small_app, write_version
from tests.support.own_lab import lab, mend, require_own_lab

pytestmark = [pytest.mark.engine, pytest.mark.disruptive, pytest.mark.timeout(600)]


@pytest.fixture
def breakable() -> Iterator[None]:
    require_own_lab()
    yield
    mend()


def test_all_come_back_in_order_but_what_was_stopped(
    breakable: None, tmp_path: Path, engine: docker.DockerClient
) -> None:
    with (
        small_app(tmp_path / "app", engine) as app,
        small_app(tmp_path / "shop", engine) as shop,
        small_app(tmp_path / "idle", engine) as idle,
    ):
        for one in (app, idle):
            write_version(one, 1)
            assert one.run().code == 0
        make_shop(shop)
        images = {one.name: ids(engine, one) for one in (app, shop)}
        assert idle.command("stop").code == 0
        container(engine, shop, "db").exec_run(["sh", "-c", "echo precious > /data/kept"])
        with guarded(app, "--project", shop.name, "--project", idle.name) as guard:
            for accident in ("kill", "restart"):
                before = started(container(engine, shop, "web"))
                lab(accident)
                if accident == "kill":
                    guard.until(lambda: any("waiting for it" in one["message"]
                                            for one in guard.told))  # fmt: skip
                    lab("restart")
                guard.until(lambda: serves(app) and serves(shop))
                guard.until(partial(in_order, engine, shop, before))
                assert {one.name: ids(engine, one) for one in (app, shop)} == images
            assert not container(engine, idle).attrs["State"]["Running"]
            kept = container(engine, shop, "db").exec_run("cat /data/kept").output
            assert kept == b"precious\n"
        assert "degraded" not in guard.kinds
        assert idle.command("start").code == 0


def ids(engine: docker.DockerClient, app: AppUnderTest) -> set[str]:
    found = engine.containers.list(
        all=True, filters={"label": [f"dockcycle.project={app.name}", "dockcycle.role=live"]}
    )
    return {one.attrs["Image"] for one in found}


def in_order(engine: docker.DockerClient, shop: AppUnderTest, before: str) -> bool:
    """Started again, well, and web after db was."""
    if not all(healthy(engine, shop, one) for one in ("web", "db")):
        return False
    ready, web = (
        first_healthy(container(engine, shop, "db")),
        started(container(engine, shop, "web")),
    )
    return before < web and "" < ready < web
