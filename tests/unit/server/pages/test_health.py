"""The engine is asked seldom, by one at a time, and never waited for long."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.artifacts import Release
from pipeline.kit.releases import Ledger
from pipeline.server.pages.health import Health, Standing, engine_asker
from pipeline.store import Home
from tests.support.page import release, standing
from tests.support.stage_context import ListJournal


def test_an_answer_is_good_for_a_while_and_asked_for_once() -> None:
    asked: list[str] = []

    def ask(project: str) -> Standing:
        asked.append(project)
        return standing()

    async def look() -> None:
        health = Health(ask, fresh=60)
        await asyncio.gather(*(health.of("shop") for _ in range(20)))
        assert (await health.of("shop")).state == "live"
        assert asked == ["shop"]
        health.forget("shop")
        await health.of("shop")
        assert asked == ["shop", "shop"]
        health.close()

    asyncio.run(look())


def test_a_frozen_engine_holds_nobody_up_and_the_last_answer_stays() -> None:
    frozen, thawed = threading.Event(), threading.Event()
    calls: list[str] = []

    def ask(project: str) -> Standing:
        calls.append(project)
        if frozen.is_set():
            thawed.wait(60)
        return standing()

    async def look() -> None:
        health = Health(ask, fresh=0, patience=0.05)
        while (await health.of("shop")).problem:
            await asyncio.sleep(0.01)
        frozen.set()
        asked = len(calls)
        for _ in range(3):
            found = await health.of("shop")
            assert found.state == "unknown"
            assert found.problem == "the Docker engine does not answer"
            assert found.status is not None
        assert len(calls) == asked + 1
        thawed.set()
        while (await health.of("shop")).problem:
            await asyncio.sleep(0.01)
        health.close()

    asyncio.run(look())


def test_the_engine_itself_is_asked(tmp_path: Path) -> None:
    engine = FakeEngine()
    made: Release = release(3, "2026-11-24T06:31:00+00:00")
    Ledger(engine, "shop").activate(
        made, state="live", reason="release", run="x", client="c", journal=ListJournal()
    )
    ask = engine_asker(lambda: engine, Home(tmp_path))
    found = ask("shop")
    assert [one.id for one in found.releases] == ["r3"]
    assert found.status is not None
    assert (found.status.release, found.state) == ("r3", "degraded")
    assert ask("other").state == "absent"

    engine.state.unavailable = True
    assert ask("shop").state == "unknown"
