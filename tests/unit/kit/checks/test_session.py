import pytest

from pipeline.artifacts import Endpoint, SmokeResult
from pipeline.errors import Cancelled, StageFailed, UsageError
from pipeline.kit.checks import Patience, load, run_checks
from pipeline.kit.checks.session import running_images
from pipeline.ports.engine import ExecResult
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope
from tests.support.smoke import REFUSED, World, answer, container

OK = answer(200, "fine")
TIMEOUT = HttpFailure("no complete answer from 127.0.0.1:32768 within 3 s", kind="timeout")
GARBLED = HttpFailure("what answers on 127.0.0.1:32768 does not speak HTTP")


USUAL = Patience()


def ask(world: World, *checks: dict, patience: Patience = USUAL, **more) -> list[SmokeResult]:
    results: list[SmokeResult] = []
    run_checks(
        load(checks), world.app, ports=world, scope=Scope(None), patience=patience,
        report=results.append, **more,
    )  # fmt: skip
    return results


def refused(world: World, *checks: dict, **more) -> StageFailed:
    with pytest.raises(StageFailed) as caught:
        ask(world, *checks, **more)
    return caught.value


# retries


def test_a_right_answer_passes_at_once() -> None:
    world = World()
    world.answers("/", OK)
    (result,) = ask(world, {"name": "greets", "get": "/"})
    assert result == SmokeResult(name="greets", passed=True, seconds=0.01, attempts=1)
    assert [r.url for r in world.http.requests] == ["http://127.0.0.1:32768/"]
    assert world.clock.slept == []


def test_a_refused_connection_is_asked_again_with_growing_pauses() -> None:
    world = World()
    world.answers("/", *[REFUSED] * 6, OK)
    (result,) = ask(world, {"get": "/"})
    assert result.passed and result.attempts == 7
    assert world.clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]


SOCKETS = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: {address}:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534 0 1
"""


def test_an_app_that_listens_for_itself_only_is_found_out_soon() -> None:
    world = World()
    world.answers("/", REFUSED)
    world.engine.sockets = SOCKETS.format(address="0100007F", port=8000)
    error = refused(world, {"get": "/"})
    assert "the app listens on 127.0.0.1:8000 only" in error.message
    assert error.hint == "Let it listen on 0.0.0.0:8000."
    assert world.clock.seconds < 1006


def test_an_app_on_another_port_is_told_but_may_still_open_the_right_one() -> None:
    world, told = World(), list[str]()
    world.answers("/", REFUSED)
    world.engine.sockets = SOCKETS.format(address="00000000", port=9000)
    error = refused(world, {"get": "/"}, progress=told.append, patience=Patience(within=20))
    assert "the app listens on 9000, not on 8000" in told[1]
    assert "the app listens on 9000, not on 8000" in error.message
    assert "run: {port: 9000}" in error.hint
    assert world.clock.seconds > 1019 and world.engine.looks == 4


def test_nobody_listening_fails_at_the_deadline_of_all_checks() -> None:
    world = World()
    world.answers("/", REFUSED)
    world.engine.lines = {"c-app": [f"line {n}" for n in range(80)]}
    error = refused(world, {"name": "greets", "get": "/"}, patience=Patience(within=20))
    assert world.clock.seconds == pytest.approx(1020, abs=0.2)
    assert error.message.startswith('check "greets" failed: nothing listens on 127.0.0.1:32768')
    assert "(GET http://127.0.0.1:32768/)" in error.message
    assert "attempts in 19.9 s" in error.message
    assert "0.0.0.0" in error.hint
    assert error.detail.splitlines() == [f"line {n}" for n in range(30, 80)]


def test_the_last_attempt_is_not_cut_short_by_the_end() -> None:
    """It would only say that there was no time to answer."""

    def slowly(request: HttpRequest) -> HttpResponse:
        if request.timeout < 0.5:
            raise HttpFailure(f"no answer within {request.timeout} s", kind="timeout")
        return answer(500, "boom", seconds=0.5)

    world = World()
    world.answers("/", slowly)
    error = refused(world, {"get": "/"}, patience=Patience(within=3))
    assert "expected status 2xx, got 500" in error.message
    assert world.clock.seconds > 1002


def test_a_wrong_answer_gets_ten_seconds_to_become_right() -> None:
    world = World()
    world.answers("/", answer(500, "boom"))
    error = refused(world, {"get": "/"})
    assert world.clock.seconds == pytest.approx(1010, abs=0.5)
    assert "expected status 2xx, got 500" in error.message and '"boom"' in error.message


def test_retry_for_changes_how_long_a_wrong_answer_is_borne_with() -> None:
    world = World()
    world.answers("/", answer(404))
    refused(world, {"get": "/", "retry_for": "30s"})
    assert world.clock.seconds == pytest.approx(1030, abs=1)
    world = World()
    world.answers("/", answer(404))
    assert "one attempt" in refused(world, {"get": "/", "retry_for": 0}).message


def test_the_total_deadline_bounds_retry_for() -> None:
    world = World()
    world.answers("/", answer(404))
    refused(world, {"get": "/", "retry_for": "2h"}, patience=Patience(within=5))
    assert world.clock.seconds == pytest.approx(1005, abs=0.1)


def test_a_starting_app_may_say_503_until_the_deadline() -> None:
    world = World()
    world.answers("/", *[answer(503)] * 30, OK)
    (result,) = ask(world, {"get": "/"})
    assert result.passed and world.clock.seconds > 1015


def test_a_request_that_changes_something_is_sent_once() -> None:
    world = World()
    world.answers("/orders", answer(500), answer(201))
    error = refused(world, {"post": "/orders", "json": {}})
    assert "one attempt" in error.message
    assert len(world.http.requests) == 1


def test_unless_retry_for_says_that_it_may_be_repeated() -> None:
    world = World()
    world.answers("/orders", answer(500), answer(201))
    (result,) = ask(world, {"post": "/orders", "json": {}, "retry_for": "5s"})
    assert result.attempts == 2


def test_or_nobody_has_ever_answered_there() -> None:
    world = World()
    world.answers("/orders", REFUSED, REFUSED, answer(201))
    (result,) = ask(world, {"post": "/orders", "json": {}})
    assert result.attempts == 3


def test_a_dropped_post_to_an_app_that_had_answered_is_not_repeated() -> None:
    world = World()
    world.answers("/", OK)
    world.answers("/orders", REFUSED, answer(201))
    error = refused(world, {"get": "/"}, {"post": "/orders"})
    assert "one attempt" in error.message


def test_consecutive_asks_harmless_checks_for_several_right_answers() -> None:
    world = World()
    world.answers("/", OK, answer(500), OK)
    world.answers("/orders", answer(201))
    results = ask(
        world, {"get": "/"}, {"post": "/orders"}, patience=Patience(consecutive=3, interval=0.5)
    )
    assert [result.attempts for result in results] == [5, 1]


# time limits


def test_an_answer_slower_than_its_limit_is_wrong() -> None:
    world = World()
    world.answers("/", answer(200, seconds=2.5))
    error = refused(world, {"get": "/", "expect": {"within": "2s"}})
    assert "expected an answer within 2 s, it took 2.50 s" in error.message
    assert world.http.requests[0].timeout == 3.0


def test_no_answer_within_the_limit_says_so() -> None:
    world = World()
    world.answers("/", TIMEOUT)
    error = refused(world, {"get": "/", "expect": {"within": "2s"}, "retry_for": 0})
    assert "expected an answer within 2 s, none came" in error.message


def test_a_request_never_waits_beyond_the_deadline_of_all_checks() -> None:
    world = World()
    world.answers("/", OK)
    ask(world, {"get": "/", "expect": {"within": "5m"}}, patience=Patience(within=4))
    assert world.http.requests[0].timeout == pytest.approx(4)


def test_a_cancelled_scope_ends_the_asking() -> None:
    world = World()
    world.answers("/", REFUSED)
    scope = Scope(None)
    scope.cancel()
    with pytest.raises(Cancelled):
        run_checks(load([{"get": "/"}]), world.app, ports=world, scope=scope)


# containers that end


def test_an_exited_container_fails_at_once_with_code_and_log() -> None:
    world = World()
    world.answers("/", REFUSED)
    world.engine.changes = [(0.1, "c-app", {"state": "exited", "exit_code": 3})]
    world.engine.lines = {"c-app": ["Traceback", "KeyError: 'PORT'"]}
    error = refused(world, {"name": "greets", "get": "/"})
    assert world.clock.seconds < 1001
    assert error.message == ('the container of app has exited with code 3, seen at check "greets"')
    assert error.detail == "Traceback\nKeyError: 'PORT'"


def test_out_of_memory_is_told() -> None:
    world = World()
    world.answers("/", REFUSED)
    world.engine.changes = [
        (0.0, "c-app", {"state": "exited", "exit_code": 137, "oom_killed": True})
    ]
    error = refused(world, {"get": "/"})
    assert "code 137, as it ran out of memory" in error.message
    assert "memory" in error.hint


def test_a_neighbour_that_dies_is_named() -> None:
    world = World("web", "api", main="web")
    world.answers("/", answer(502))
    world.engine.changes = [(1.0, "c-api", {"state": "exited", "exit_code": 1})]
    assert "container of api has exited with code 1" in refused(world, {"get": "/"}).message


def test_a_neighbour_that_ends_well_is_no_failure() -> None:
    world = World("web", "seed", main="web")
    world.answers("/", REFUSED, answer(404), OK)
    world.engine.changes = [(0.0, "c-seed", {"state": "exited", "exit_code": 0})]
    (result,) = ask(world, {"get": "/"})
    assert result.passed


def test_a_container_that_keeps_restarting_is_a_failure() -> None:
    world = World()
    world.answers("/", REFUSED)
    world.engine.changes = [(0.1, "c-app", {"restarts": 2, "exit_code": 1})]
    assert "keeps ending and restarting" in refused(world, {"get": "/"}).message


def test_a_container_that_is_gone_is_a_failure() -> None:
    world = World()
    del world.engine.infos["c-app"]
    assert refused(world, {"get": "/"}).message == "the container of app is gone"


# advisory checks, order, reports


def test_an_advisory_failure_is_told_and_stops_nothing() -> None:
    world = World()
    world.answers("/slow", answer(404))
    world.answers("/", OK)
    results = ask(world, {"get": "/slow", "advisory": True, "retry_for": 0}, {"get": "/"})
    assert [(r.passed, r.advisory) for r in results] == [(False, True), (True, False)]
    assert "expected status 2xx, got 404" in results[0].message


def test_a_failed_check_is_reported_and_later_ones_are_not_asked() -> None:
    world = World()
    world.answers("/", answer(404))
    results: list[SmokeResult] = []
    with pytest.raises(StageFailed):
        run_checks(
            load([{"get": "/", "retry_for": 0}, {"get": "/later"}]),
            world.app, ports=world, scope=Scope(None), report=results.append,
        )  # fmt: skip
    assert [r.passed for r in results] == [False]
    assert len(world.http.requests) == 1


def test_progress_tells_each_new_reason_once() -> None:
    world = World()
    world.answers("/", REFUSED, REFUSED, answer(503), answer(503), OK)
    told: list[str] = []
    ask(world, {"name": "greets", "get": "/"}, progress=told.append)
    assert len(told) == 2
    assert told[0].startswith("greets: nothing listens")
    assert told[1].startswith("greets: expected status 2xx, got 503")


def test_a_check_of_an_unknown_service_is_found_before_anything_is_asked() -> None:
    world = World("web", "api", main="web")
    with pytest.raises(UsageError) as caught:
        ask(world, {"get": "/"}, {"service": "apii", "get": "/"})
    assert "'apii'" in caught.value.message and "`api`" in caught.value.hint
    assert world.http.requests == []


# other kinds of checks


def test_a_port_that_is_not_published_is_reached_at_the_containers_own_address() -> None:
    world = World("web", "db", main="web")
    world.change("db", endpoints={})
    world.engine.infos["c-db"] = container("db", addresses={"shop": "172.20.0.3"})
    ask(world, {"service": "db", "tcp": 5432})
    assert world.http.connected == [("172.20.0.3", 5432)]


def test_a_port_that_cannot_be_reached_is_final() -> None:
    world = World()
    error = refused(world, {"tcp": 5432})
    assert "port 5432 of service app is not reachable" in error.message
    assert "one attempt" in error.message


def test_a_service_without_ports_cannot_be_asked_over_http() -> None:
    world = World()
    world.change("app", endpoints={})
    assert "publishes no port" in refused(world, {"get": "/"}).message


def test_the_port_in_the_apps_url_is_the_main_one() -> None:
    world = World()
    world.change(
        "app",
        endpoints={
            9000: Endpoint(host="127.0.0.1", port=40000),
            8000: Endpoint(host="127.0.0.1", port=32768),
        },
    )
    world.answers("/", OK)
    ask(world, {"get": "/"}, {"get": "/", "port": 9000})
    assert [r.url for r in world.http.requests] == [
        "http://127.0.0.1:32768/",
        "http://127.0.0.1:40000/",
    ]


def test_a_closed_tcp_port_is_tried_until_the_deadline() -> None:
    world = World()
    world.http.closed_ports = {32768}
    error = refused(world, {"tcp": 8000}, patience=Patience(within=3))
    assert "nothing listens" in error.message
    assert world.clock.seconds == pytest.approx(1003, abs=0.2)


def test_a_port_without_http_gets_a_hint() -> None:
    world = World()
    world.answers("/", GARBLED)
    assert "`tcp: PORT`" in refused(world, {"get": "/"}).hint


def test_exec_compares_exit_code_and_output() -> None:
    world = World()
    world.engine.commands = {
        ("redis-cli", "ping"): [
            ExecResult(exit_code=1, output="refused"),
            ExecResult(exit_code=0, output="PONG\n"),
        ],
        ("id",): [ExecResult(exit_code=0, output="uid=0(root)")],
        ("false",): [ExecResult(exit_code=1, output="no")],
    }
    (result,) = ask(world, {"exec": ["redis-cli", "ping"], "expect": {"output": "PONG"}})
    assert result.attempts == 2
    error = refused(world, {"exec": "id", "expect": {"output": "uid=1000"}})
    assert 'expected output with "uid=1000", got "uid=0(root)"' in error.message
    assert "expected exit code 0, got 1" in refused(world, {"exec": "false"}).message
    ask(world, {"exec": "false", "expect": {"exit_code": 1, "output": {"regex": "^n"}}})


def test_log_waits_for_a_line() -> None:
    world = World()
    world.engine.lines = {"c-app": ["starting", "worker ready, queue empty"]}
    ask(world, {"log": "ready"}, {"log": {"regex": r"ready.*empty"}})
    error = refused(world, {"log": "never"}, patience=Patience(within=2))
    assert 'expected a log line with "never", got none' in error.message


def test_completed_waits_for_the_end_and_wants_exit_code_0() -> None:
    world = World("web", "migrate", main="web")
    world.engine.changes = [(2.0, "c-migrate", {"state": "exited", "exit_code": 0})]
    (result,) = ask(world, {"service": "migrate", "completed": True})
    assert result.attempts > 1
    world = World("web", "migrate", main="web")
    world.engine.changes = [(2.0, "c-migrate", {"state": "exited", "exit_code": 4})]
    error = refused(world, {"service": "migrate", "completed": True})
    assert "expected exit code 0, got 4" in error.message
    assert world.clock.seconds < 1004


def test_running_counts_from_when_the_checks_began() -> None:
    world = World("web", "worker", main="web")
    world.answers("/", answer(200, seconds=3))
    ask(world, {"service": "web", "running": "2s"}, {"service": "worker", "running": "2s"})
    assert world.clock.seconds == pytest.approx(1002)


def test_running_fails_when_the_container_ends_or_restarts() -> None:
    world = World()
    world.engine.changes = [(1.0, "c-app", {"state": "exited", "exit_code": 0})]
    assert "has exited with code 0" in refused(world, {"running": "3s"}).message
    world = World()
    world.engine.changes = [(1.0, "c-app", {"started": "t1", "restarts": 1})]
    assert "keeps ending" in refused(world, {"running": "3s"}).message


def test_healthy_follows_dockers_own_check() -> None:
    world = World()
    world.engine.infos["c-app"] = container("app", health="starting")
    world.engine.changes = [(20.0, "c-app", {"health": "healthy"})]
    (result,) = ask(world, {"healthy": True})
    assert result.passed and world.clock.seconds >= 1020
    world = World()
    world.engine.infos["c-app"] = container("app", health="unhealthy")
    assert "unhealthy" in refused(world, {"healthy": True}).message
    assert "has no health check" in refused(World(), {"healthy": True}).message


# what really runs


def test_running_images_are_read_from_the_containers() -> None:
    world = World("web", "migrate", main="web")
    world.change("migrate", one_shot=True)
    world.engine.infos["c-migrate"] = container("migrate", state="exited", exit_code=0)
    world.engine.infos["c-web"] = container("web", image="sha256:other")
    assert running_images(world.app, world.engine) == {
        "web": "sha256:other",
        "migrate": "sha256:migrate",
    }


def test_running_images_want_running_containers() -> None:
    world = World()
    world.engine.infos["c-app"] = container("app", state="exited", exit_code=1)
    with pytest.raises(StageFailed, match="has exited with code 1"):
        running_images(world.app, world.engine)
