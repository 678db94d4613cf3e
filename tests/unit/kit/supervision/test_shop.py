"""Several services: who is repaired before whom, and what is nobody's own fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from pipeline.adapters.fake_compose import FakeCompose
from pipeline.adapters.fake_engine import Program
from pipeline.artifacts import Release
from pipeline.kit.compose_model import SERVICE_LABEL
from pipeline.kit.releases import Site, go_live
from pipeline.kit.supervision.wanted import of_model
from pipeline.ports import Compose
from pipeline.ports.engine import ContainerInfo, Health
from pipeline.scope import Scope
from tests.unit.kit.supervision.ward import LIMITS, Ward


class Shop(Ward):
    """web, which needs a healthy db and a finished migration, and a worker that needs web."""

    def _site(self, scope: Scope) -> Site:
        site = super()._site(scope)
        compose = cast(Compose, FakeCompose(self.yard.engine))
        return replace(site, ports=replace(site.ports, compose=compose), expand=self._plain)

    @staticmethod
    def _plain(text: str) -> str:
        return text

    def open(self, **services: Any) -> Release:
        image = self.yard.image("1")
        made: dict[str, Any] = {
            "worker": {"depends_on": {"web": {"condition": "service_started", "restart": True}}},
            "web": {
                "ports": [{"target": 5000, "published": "8000"}],
                "depends_on": {
                    "db": {"condition": "service_healthy"},
                    "migrate": {"condition": "service_completed_successfully"},
                },
            },
            "migrate": {"command": ["migrate"], "depends_on": {"db": {}}},
            "db": {},
        }
        for name, more in services.items():
            made[name] |= more
        for service in made.values():
            service |= {"image": image, "restart": service.get("restart", "always")}
        made["migrate"]["restart"] = "no"
        self.yard.engine.state.programs[("migrate",)] = Program(exits=0)
        release = self.yard.release(1, image).model_copy(
            update={
                "kind": "compose", "main": "web", "spec": {"name": "hello", "services": made},
                "images": dict.fromkeys(made, image), "smoke": None,
            }
        )  # fmt: skip
        site = replace(self._site(Scope(10)), expand=self._plain)
        go_live(site, release, reason="release", keep=5, verify=lambda app, scope: 0)
        db = self.yard.engine.state.containers[self.find("db").id]
        db.spec = db.spec.model_copy(update={"health": Health(test=("CMD", "true"))})
        return release

    def find(self, service: str) -> ContainerInfo:
        (found,) = self.yard.engine.containers({SERVICE_LABEL: service})
        return found

    def kill(self, *services: str) -> None:
        for service in services:
            self.yard.engine.kill(self.find(service).id)

    def program(self, service: str, program: Program) -> None:
        self.yard.engine.state.containers[self.find(service).id].program = program


def test_services_come_after_those_that_they_depend_on() -> None:
    names = [one.service for one in of_model(Shop().open())]
    assert names.index("db") < names.index("migrate") < names.index("web") < names.index("worker")
    assert sorted(names) == ["db", "migrate", "web", "worker"]


def test_a_dependency_comes_back_first_and_must_be_well() -> None:
    shop = Shop()
    shop.open()
    shop.program("db", Program(unhealthy_for=6))
    shop.kill("web", "db")
    shop.tend()
    assert shop.find("db").running
    assert not shop.find("web").running
    shop.pass_time(120)
    assert shop.find("web").running
    assert shop.find("db").started < shop.find("web").started
    assert [one.service for one in shop.told] == ["db", "web", "worker"]


def test_one_that_wants_to_is_restarted_with_what_it_depends_on() -> None:
    shop = Shop()
    shop.open()
    before = shop.find("worker").started
    shop.kill("web")
    shop.pass_time(30)
    assert shop.find("web").started < shop.find("worker").started
    assert before < shop.find("worker").started
    assert "was started again" in shop.told[-1].message
    assert shop.kinds == ["repaired", "repaired"]
    for _ in range(3 * LIMITS.repairs):
        shop.now += LIMITS.within
        shop.kill("web")
        shop.pass_time(30)
    assert "degraded" not in shop.kinds


def test_what_fails_for_want_of_another_costs_nothing() -> None:
    shop = Shop()
    shop.open()
    shop.pass_time(1)
    shop.program("db", Program(unhealthy_for=float("inf")))
    for _ in range(5 * LIMITS.repairs):
        shop.yard.engine.crash(shop.find("web").id)  # the engine restarts it, in vain
        shop.tend()
    assert shop.find("web").restart == "always"
    assert "web" not in [one.service for one in shop.told]


def test_a_job_that_has_done_its_work_is_not_done_again() -> None:
    shop = Shop()
    shop.open()
    assert shop.find("migrate").exit_code == 0
    shop.yard.engine.remove(shop.find("migrate").id)
    shop.pass_time(60)
    assert shop.yard.engine.containers({SERVICE_LABEL: "migrate"}) == []
    shop.kill("web")
    shop.pass_time(60)
    assert shop.find("web").running


def test_a_service_that_is_gone_comes_back_and_the_others_run_on() -> None:
    shop = Shop()
    shop.open()
    db = shop.find("db")
    shop.yard.engine.remove(shop.find("web").id)
    shop.pass_time(10)
    assert shop.find("web").running
    assert shop.find("db") == db


def test_services_of_somebody_else_under_the_name_are_not_touched() -> None:
    shop = Shop()
    shop.open()
    state = shop.yard.engine.state
    found = state.containers[shop.find("db").id]
    labels = {k: v for k, v in found.spec.labels.items() if not k.startswith("dockcycle.")}
    found.spec = found.spec.model_copy(update={"labels": labels})
    found.image = replace(found.image, labels={}, id="sha256:" + "0" * 64)
    shop.pass_time(60)
    assert state.containers[found.id] is found
    assert [(one.kind, one.service) for one in shop.told] == [("degraded", "db")]
    assert "that dockcycle did not start" in shop.told[0].message
