import math

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program, says
from pipeline.artifacts import Endpoint
from pipeline.errors import Cancelled, DeadlineExceeded, StageFailed
from pipeline.kit.readiness import SETTLE, Expected, Waiting, failure
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Health, Port
from pipeline.scope import Scope


class Bench:
    """One fake engine with containers of given programs."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.engine.publish("busybox:1")
        self.image = self.engine.pull("busybox:1", None, print, Scope()).id
        self.clock = FakeClock()
        self.told: list[str] = []

    def runs(self, name: str, program: Program, restart: str = "no", port: int = 0) -> None:
        self.engine.state.programs[(name,)] = program
        ports = (Port(container=80, host_port=port),) if port else ()
        spec = ContainerSpec(
            image=self.image, name=name, command=(name,), restart=restart, ports=ports,
            health=Health(test=("CMD", "x")) if program.unhealthy_for else None,
        )  # fmt: skip
        self.engine.start(self.engine.create(spec))

    def wait(self, *expected: Expected, scope: Scope | None = None) -> dict[str, ContainerInfo]:
        waiting = Waiting(self.engine, self.engine.http, self.clock)
        return waiting.until_up(expected, scope or Scope(5), self.told.append)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def app(**more: object) -> Expected:
    return Expected("app", "web", **more)  # type: ignore[arg-type]  # keywords of a test


def test_without_any_sign_it_is_up_after_a_while(bench: Bench) -> None:
    bench.runs("app", Program())
    assert bench.wait(app())["app"].running
    assert SETTLE <= bench.clock.seconds < SETTLE + 0.2
    assert bench.told == ["waiting for web (starting)"]


def test_it_is_up_as_soon_as_it_listens(bench: Bench) -> None:
    bench.runs("app", Program(answer=says("hi")), port=8080)
    bench.wait(app(endpoints=lambda info: [Endpoint(host="127.0.0.1", port=8080)]))
    assert bench.clock.seconds == 0


def test_a_health_check_is_waited_for(bench: Bench) -> None:
    bench.runs("app", Program(unhealthy_for=7))
    assert bench.wait(app())["app"].health == "healthy"
    assert bench.told == ["waiting for web (not healthy yet)"]


def test_one_that_stays_unhealthy_fails_with_its_log(bench: Bench) -> None:
    bench.runs("app", Program(log=("no database",), unhealthy_for=math.inf))
    with pytest.raises(StageFailed, match="web is unhealthy") as caught:
        bench.wait(app())
    assert caught.value.detail == "no database"


def test_what_the_health_check_says_is_told(bench: Bench) -> None:
    said = "Traceback:\nno such table: users\n"
    bench.runs("app", Program(unhealthy_for=math.inf, health_says=said))
    with pytest.raises(StageFailed, match="keeps failing: no such table: users"):
        bench.wait(app())
    bench.runs("slow", Program(unhealthy_for=3, health_says=said))
    bench.wait(Expected("slow", "web"))
    assert bench.told == ["waiting for web (not healthy yet: no such table: users)"]


def test_one_that_ends_is_told_at_once(bench: Bench) -> None:
    bench.runs("app", Program(log=tuple(f"line {n}" for n in range(80)), exits=3))
    with pytest.raises(StageFailed, match="with exit code 3") as caught:
        bench.wait(app())
    assert bench.clock.seconds == 0
    lines = caught.value.detail.splitlines()
    assert (len(lines), lines[-1]) == (50, "line 79")


def test_a_one_shot_may_end_but_only_well(bench: Bench) -> None:
    bench.runs("app", Program(exits=0))
    assert bench.wait(app(may_end=True))["app"].exit_code == 0
    with pytest.raises(StageFailed, match="exit code 0") as caught:
        bench.wait(app())
    assert "keep running" in caught.value.hint
    bench.runs("job", Program(exits=1))
    with pytest.raises(StageFailed, match="migrate ended"):
        bench.wait(Expected("job", "migrate", may_end=True))


def test_all_are_up_at_the_same_time(bench: Bench) -> None:
    bench.runs("app", Program())
    bench.runs("slow", Program(unhealthy_for=100))
    real_sleep = bench.clock.sleep

    def crash_meanwhile(seconds: float, scope: Scope) -> None:
        real_sleep(seconds, scope)
        if bench.clock.seconds > 2:
            bench.engine.crash("app", 1)

    bench.clock.sleep = crash_meanwhile  # type: ignore[method-assign]  # scripts the fake
    with pytest.raises(StageFailed, match="web ended"):
        bench.wait(app(), Expected("slow", "db"))


def test_a_crash_loop_is_given_up(bench: Bench) -> None:
    crashing = ContainerInfo(
        id="c", name="c", image="i", state="restarting", exit_code=2, restarts=5
    )
    bench.runs("c", Program())
    error = failure(bench.engine, crashing, "web")
    assert error is not None
    assert error.message == "web ended with exit code 2, 6 times in a row"
    assert failure(bench.engine, crashing.model_copy(update={"restarts": 4}), "web") is None


def test_memory_is_blamed_only_when_the_engine_says_so(bench: Bench) -> None:
    bench.runs("c", Program())
    killed = ContainerInfo(
        id="c", name="c", image="i", state="exited", exit_code=137,
        started="2026-01-01T00:00:00.123456789Z", finished="2026-01-01T00:00:02.623456789Z",
    )  # fmt: skip
    plain = failure(bench.engine, killed, "web")
    assert plain is not None
    assert plain.message == "web ended after 2.5 s with exit code 137"
    assert "not by its memory limit" in plain.hint
    oom = failure(bench.engine, killed.model_copy(update={"oom_killed": True}), "web", memory=2**26)
    assert oom is not None
    assert oom.message == "web used more memory than its limit of 64 MiB and was killed after 2.5 s"


def test_what_the_engine_could_not_start_is_told_in_its_words(bench: Bench) -> None:
    bench.runs("c", Program())
    made = ContainerInfo(id="c", name="c", image="i", state="created", error="no such device")
    error = failure(bench.engine, made, "web")
    assert error is not None
    assert error.message == "web could not be started: no such device"


def test_a_container_that_is_gone_fails(bench: Bench) -> None:
    with pytest.raises(StageFailed, match="removed by somebody else"):
        bench.wait(app())


def test_the_deadline_says_what_was_waited_for(bench: Bench) -> None:
    bench.runs("app", Program(log=("still booting",), unhealthy_for=1e9))
    with pytest.raises(DeadlineExceeded, match=r"web is not up in time \(running, health check"):
        bench.wait(app(), scope=Scope(0.02, what="starting"))


def test_a_cancelled_wait_ends(bench: Bench) -> None:
    bench.runs("app", Program(unhealthy_for=1e9))
    scope = Scope(5)
    scope.cancel()
    with pytest.raises(Cancelled):
        bench.wait(app(), scope=scope)
