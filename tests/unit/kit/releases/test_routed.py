"""A Compose project with one service behind the front, on the fake engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.adapters.fake_compose import FakeCompose
from pipeline.adapters.fake_engine import FakeClock
from pipeline.artifacts import Handover, Release, SmokeReport
from pipeline.errors import StageFailed
from pipeline.kit.front import fronts
from pipeline.kit.releases import Site, WentLive, converge, go_live, golive, is_serving, verifier
from pipeline.ports.engine import Port
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope
from tests.unit.kit.releases.site import PORT, Journal, Killed, Yard

CHECK = {"get": "/", "service": "web", "expect": {"status": 200, "body": "good"}}
PORTS = (Port(container=5000, host_port=PORT).model_dump(mode="json"),)
ROUTED = Handover(soak=1, drain=0, service="web", ports=PORTS)


@dataclass
class Shop(Yard):
    """Two services: web, which is asked, and db."""

    fakes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.fakes:
            self.engine.publish("caddy:2")
            self.fakes["compose"] = FakeCompose(self.engine)
            self.fakes["db"] = self.image("db")

    @property
    def site(self) -> Site:
        site = super().site
        ports = replace(site.ports, compose=self.fakes["compose"], clock=FakeClock())
        return replace(site, ports=ports)

    def shop(
        self, number: int, answer: str = "good", *, db: str = "1", routed: bool = True,
        web: Mapping[str, Any] | None = None,
    ) -> Release:  # fmt: skip
        image = self.image(f"web{number}", f"{answer} v{number}")
        published = [] if routed else [{"target": 5000, "published": str(PORT)}]
        services = {
            "web": {"image": image, "ports": published, "depends_on": {"db": {}}, **(web or {})},
            "db": {"image": self.fakes["db"], "environment": {"VERSION": db}},
        }
        return Release(
            id=f"r{number}", project="hello", run="run1", created="2026-01-01T00:00:00+00:00",
            kind="compose", images={"web": image, "db": self.fakes["db"]}, main="web",
            spec={"name": "hello", "services": services, "networks": {"default": {}}},
            url=f"http://localhost:{PORT}", handover=ROUTED if routed else None,
            smoke=SmokeReport(images={"web": image}, checks=(CHECK,)),
        )  # fmt: skip

    def answer(self) -> str:
        try:
            request = HttpRequest(url=f"http://127.0.0.1:{PORT}/")
            got = self.engine.http.request(request, Scope(5))
        except HttpFailure:
            return "refused"
        return got.body.decode() if got.status == 200 else str(got.status)

    def of(self, service: str) -> list[str]:
        marks = {"com.docker.compose.service": service}
        return [c.name for c in self.engine.containers(marks) if c.running]

    def ids(self, service: str) -> list[str]:
        return [c.id for c in self.engine.containers({"com.docker.compose.service": service})]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def live(shop: Shop, release: Release, reason: str = "release") -> WentLive:
    return shop.live(release, reason=reason)


def test_the_service_takes_over_and_the_others_stay(shop: Shop) -> None:
    live(shop, shop.shop(1))
    assert (shop.answer(), shop.of("web")) == ("good v1", ["hello-web-1"])
    db, [front] = shop.ids("db"), fronts(shop.engine, "hello")
    went = live(shop, shop.shop(2))
    assert (went.gap, shop.answer()) == (0.0, "good v2")
    assert shop.of("web") == ["hello-web-2"]
    assert shop.ids("db") == db
    assert [one.id for one in fronts(shop.engine, "hello")] == [front.id]
    assert is_serving(shop.site, went.release)
    assert converge(shop.site) == []
    live(shop, shop.ledger.find("r1"), reason="rollback")
    assert (shop.answer(), len(shop.of("web"))) == ("good v1", 1)


def test_another_service_is_updated_and_the_routed_one_left_alone(shop: Shop) -> None:
    one = live(shop, shop.shop(1)).release
    web, db = shop.ids("web"), shop.ids("db")
    two = shop.shop(2, db="2")
    same = {**two.spec["services"], "web": one.spec["services"]["web"]}
    two = two.model_copy(update={"spec": {**two.spec, "services": same}, "images": one.images})
    live(shop, two)
    assert shop.ids("web") == web
    assert shop.ids("db") != db
    assert shop.answer() == "good v1"


def test_one_that_answers_wrongly_takes_everything_back(shop: Shop) -> None:
    live(shop, shop.shop(1))
    with pytest.raises(StageFailed, match="r2 did not hold, r1 serves again"):
        live(shop, shop.shop(2, "bad", db="2"))
    assert (shop.answer(), shop.of("web")) == ("good v1", ["hello-web-1"])
    [db] = shop.engine.containers({"com.docker.compose.service": "db"})
    assert db.environment["VERSION"] == "1"
    assert "route hello-web-2" not in shop.journal.effects


def test_with_and_without_a_route(shop: Shop) -> None:
    live(shop, shop.shop(1, routed=False))
    assert shop.answer() == "good v1"
    live(shop, shop.shop(2))
    assert (shop.answer(), len(fronts(shop.engine, "hello"))) == ("good v2", 1)
    with pytest.raises(StageFailed):
        live(shop, shop.shop(3, "bad", routed=False))
    assert (shop.answer(), len(fronts(shop.engine, "hello"))) == ("good v2", 1)
    live(shop, shop.ledger.find("r1"), reason="rollback")
    assert (shop.answer(), fronts(shop.engine, "hello")) == ("good v1", [])
    with pytest.raises(StageFailed):
        live(shop, shop.shop(4, "bad"))
    assert (shop.answer(), fronts(shop.engine, "hello")) == ("good v1", [])


def test_stopped_on_purpose(shop: Shop) -> None:
    release = live(shop, shop.shop(1)).release
    shop.ledger.activate(
        release, state="stopped", reason="stop", run="x", client="me", journal=shop.journal
    )
    converge(shop.site)
    assert (shop.answer(), shop.of("web")) == ("refused", [])
    assert converge(shop.site) == []


def effects() -> int:
    shop = Shop()
    live(shop, shop.shop(1))
    two = shop.shop(2)
    before = shop.journal.crossed
    live(shop, two)
    return shop.journal.crossed - before


@pytest.mark.parametrize("point", range(1, effects() + 1))
def test_killed_anywhere_somebody_good_answers(shop: Shop, point: int) -> None:
    live(shop, shop.shop(1))
    two = shop.shop(2)
    shop.journal = Journal(die_at=point)
    site = shop.site
    with patch.object(golive, "_give_back"), pytest.raises(Killed):
        go_live(site, two, reason="release", keep=5, verify=verifier(two, site))
    assert shop.answer() in ("good v1", "good v2")

    again = replace(shop, journal=Journal(), told=[])
    converge(again.site)
    current = again.ledger.current()
    assert current is not None
    assert again.answer() == f"good v{current.release.id[1:]}"
    assert len(again.of("web")) == 1
    live(again, two)
    assert (again.answer(), len(again.of("web"))) == ("good v2", 1)


def test_one_container_and_a_project_follow_one_another_behind_the_front(shop: Shop) -> None:
    live(shop, shop.shop(1))
    image = shop.image("v2", "good v2")
    live(shop, shop.release(2, image, handover=Handover(soak=1, drain=0)))
    assert (shop.answer(), shop.of("web")) == ("good v2", [])
    live(shop, shop.shop(3))
    assert (shop.answer(), set(shop.serving())) == ("good v3", {"hello-web-1", "hello-db-1"})
    assert len(fronts(shop.engine, "hello")) == 1
