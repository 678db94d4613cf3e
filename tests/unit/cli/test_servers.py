"""One engine builds, two others serve: ``operate: {engine: […]}``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.app import adapters
from pipeline.errors import EngineUnavailable, RegistryUnavailable, StageFailed
from pipeline.ports import Ports
from tests.support.desk import Desk

NORTH, SOUTH = "ssh://deploy@north", "ssh://deploy@south"


@dataclass
class Fleet:
    """A project in a folder, and the engines that serve it."""

    desk: Desk
    engines: dict[str, FakeEngine]

    def run(self, *words: str) -> int:
        return self.desk("run", "--output", "plain", *words).code

    def change(self) -> None:
        """A new version of the app."""
        text = (self.desk.folder / "app.py").read_text()
        self.desk.write("app.py", text + "print('more')\n")

    def states(self) -> list[tuple[str, str, str]]:
        found = self.desk("status", "--json").json()
        return [(one["engine"], one["state"], one["release"]) for one in found]

    def live(self, engine: FakeEngine) -> list[str]:
        return [c.name for c in engine.containers({"dockcycle.role": "live"}) if c.running]


@pytest.fixture
def fleet(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    engines = {
        address: FakeEngine(beside=desk.engine, name=name)
        for address, name in ((NORTH, "north"), (SOUTH, "south"))
    }
    here = adapters.real_ports({})

    def elsewhere(address: str) -> Ports:
        if address not in engines:
            raise EngineUnavailable(f"the docker context {address!r} does not exist")
        return replace(here, engine=engines[address], http=engines[address].http)

    ports = replace(here, elsewhere=elsewhere)
    monkeypatch.setattr(adapters, "real_ports", lambda environ: ports)
    desk.change("{publish: 8000}", f"{{publish: 8000, engine: ['{NORTH}', '{SOUTH}']}}")
    return Fleet(desk, engines)


def test_the_tested_image_serves_on_each_engine_and_nowhere_else(fleet: Fleet) -> None:
    assert fleet.run() == 0
    assert fleet.states() == [(NORTH, "live", "r1"), (SOUTH, "live", "r1")]
    built = fleet.desk.engine.images({"dockcycle.project": "hello"})[0].id
    for engine in fleet.engines.values():
        assert [c.image for c in engine.containers({"dockcycle.role": "live"})] == [built]
    assert fleet.desk.engine.containers({"dockcycle.role": "live"}) == []


def test_without_a_way_to_the_registry_it_is_sent(fleet: Fleet) -> None:
    fleet.engines[SOUTH].fail("pull", RegistryUnavailable("no way"))
    assert fleet.run() == 0
    assert [call[0] for call in fleet.engines[SOUTH].state.calls].count("load") == 1
    assert "load" not in [call[0] for call in fleet.engines[NORTH].state.calls]


def test_a_second_run_has_nothing_to_do_while_both_serve(fleet: Fleet) -> None:
    fleet.run()
    assert "operate    │ reused" in fleet.desk("run", "--output", "plain").out
    south = fleet.engines[SOUTH]
    south.stop("hello-r1")
    assert fleet.run() == 0
    assert fleet.live(south) == ["hello-r1"]


def test_when_the_second_fails_the_first_goes_back(fleet: Fleet) -> None:
    fleet.run()
    fleet.change()
    fleet.engines[SOUTH].fail("create", StageFailed("no room"))
    said = fleet.desk("run", "--output", "plain")
    assert said.code == 1
    assert f"{SOUTH}: r2 did not hold, r1 serves again: no room" in said.out
    assert f"{NORTH} is back at r1" in said.out
    assert fleet.states() == [(NORTH, "live", "r1"), (SOUTH, "live", "r1")]
    for engine in fleet.engines.values():
        assert fleet.live(engine) == ["hello-r1"]
        assert "hello-r2" not in {c.name for c in engine.containers({})}
    assert fleet.run() == 0
    assert fleet.states() == [(NORTH, "live", "r2"), (SOUTH, "live", "r2")]


def test_a_first_release_that_fails_elsewhere_leaves_nothing(fleet: Fleet) -> None:
    fleet.engines[SOUTH].fail("create", StageFailed("no room"))
    assert fleet.run() == 1
    assert fleet.states() == [(NORTH, "absent", ""), (SOUTH, "absent", "")]
    north = fleet.engines[NORTH]
    assert north.containers({"dockcycle.project": "hello"}) == []
    assert north.networks({"dockcycle.project": "hello"}) == []


def test_an_engine_that_is_late_gets_the_same_number(fleet: Fleet) -> None:
    fleet.desk.change(f", '{SOUTH}'", "")
    fleet.run()
    fleet.change()
    fleet.run()
    fleet.desk.change(f"['{NORTH}'", f"['{NORTH}', '{SOUTH}'")
    assert fleet.run("--force") == 0
    assert fleet.states() == [(NORTH, "live", "r2"), (SOUTH, "live", "r2")]


def test_rollback_is_done_on_all_or_where_it_is_asked_for(fleet: Fleet) -> None:
    fleet.run()
    fleet.change()
    fleet.run()
    assert fleet.desk("rollback", "--output", "plain").code == 0
    assert fleet.states() == [(NORTH, "live", "r1"), (SOUTH, "live", "r1")]
    assert fleet.desk("rollback", "r2", "--engine", SOUTH, "--output", "plain").code == 0
    assert fleet.states() == [(NORTH, "live", "r1"), (SOUTH, "live", "r2")]


def test_commands_act_where_the_app_serves(fleet: Fleet) -> None:
    fleet.run()
    assert fleet.desk("stop", "--engine", NORTH).out == f"{NORTH}: stopped hello-r1\n"
    assert fleet.states() == [(NORTH, "stopped", "r1"), (SOUTH, "live", "r1")]
    assert fleet.desk("start").code == 0
    assert fleet.desk("down").code == 0
    for engine in (*fleet.engines.values(), fleet.desk.engine):
        assert engine.containers({"dockcycle.project": "hello"}) == []
        assert engine.images({"dockcycle.project": "hello"}) == []


def test_what_looks_at_one_engine_wants_it_named(fleet: Fleet) -> None:
    fleet.run()
    assert fleet.desk("logs").code == 2
    assert fleet.desk("logs", "--engine", SOUTH).code == 0
    said = fleet.desk("status", "--engine", "ssh://elsewhere")
    assert said.code == 2 and NORTH in said.err


def test_a_server_that_is_away_does_not_hide_the_others(fleet: Fleet) -> None:
    fleet.run()
    fleet.engines[NORTH].state.unavailable = True
    assert [state for _, state, _ in fleet.states()] == ["unreachable", "live"]
    assert fleet.desk("status").code == 1


def test_a_broken_stage_does_not_hide_which_engine_serves(fleet: Fleet) -> None:
    fleet.run()
    fleet.desk.change("port: 5000", "prot: 5000")
    assert fleet.states() == [(NORTH, "live", "r1"), (SOUTH, "live", "r1")]
    fleet.desk.change(NORTH, "${WHERE}")
    assert fleet.desk("status").code == 2


def test_doctor_asks_each_engine(fleet: Fleet) -> None:
    found = {one["name"]: one["state"] for one in fleet.desk("doctor", "--json").json()}
    assert (found[f"engine {NORTH}"], found[f"engine {SOUTH}"]) == ("ok", "ok")


def test_what_is_mounted_from_the_project_is_refused(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fleet.desk.folder / "conf").mkdir()
    fleet.desk.change("run: {port: 5000}", "run: {port: 5000, volumes: ['./conf:/etc/app:ro']}")
    north = fleet.engines[NORTH]
    there = north.info().model_copy(update={"address": NORTH})
    monkeypatch.setattr(north, "info", lambda: there)
    said = fleet.desk("run", "--output", "plain")
    assert said.code == 1 and "does not have it" in said.out
    assert north.containers({"dockcycle.role": "live"}) == []
