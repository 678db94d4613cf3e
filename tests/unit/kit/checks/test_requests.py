"""What is sent for a check, and the checks of an app that has none."""

from pipeline.artifacts import Endpoint
from pipeline.kit.checks import default_checks, load, run_checks
from pipeline.ports.http import HttpRequest
from pipeline.scope import Scope
from tests.support.smoke import World, answer, container


def sent(world: World, *checks: dict) -> list[HttpRequest]:
    run_checks(load(checks), world.app, ports=world, scope=Scope(None), expand=lambda text: "s3")
    return world.http.requests


def test_a_get_carries_headers_and_no_body() -> None:
    world = World()
    world.answers("/", answer())
    (request,) = sent(
        world, {"get": "/", "headers": {"authorization": "Bearer {secret:T}", "n": 1}}
    )
    assert request.method == "GET" and request.body is None
    assert request.headers == {"authorization": "Bearer s3", "n": "1"}
    assert not request.follow_redirects


def test_bodies_come_with_their_media_type() -> None:
    world = World()
    world.answers("/", answer())
    requests = sent(
        world,
        {"post": "/", "json": {"a": [1, None]}},
        {"put": "/", "form": {"a": "b c", "n": 1}},
        {"patch": "/", "body": "ä"},
        {"post": "/", "json": None, "headers": {"Content-Type": "application/x+json"}},
        {"delete": "/", "follow_redirects": True},
    )
    assert [(r.method, r.body, next(iter(r.headers.values()), "")) for r in requests] == [
        ("POST", b'{"a": [1, null]}', "application/json"),
        ("PUT", b"a=b+c&n=1", "application/x-www-form-urlencoded"),
        ("PATCH", "ä".encode(), "text/plain; charset=utf-8"),
        ("POST", b"null", "application/x+json"),
        ("DELETE", None, ""),
    ]
    assert requests[4].follow_redirects


def test_values_travel_from_one_answer_to_the_next_request() -> None:
    world = World()
    world.answers("/notes", answer(201, '{"id": 7, "tag": "a/b"}'))
    world.answers("/notes/7", answer(200, '{"id": 7}'))
    requests = sent(
        world,
        {"post": "/notes", "expect": {"status": 201}, "capture": {"id": "$.id", "tag": "$.tag"}},
        {"put": "/notes/{id}", "json": {"id": "{id}", "tag": "{tag}"}, "headers": {"x": "{tag}"},
         "expect": {"json": {"$.id": "{id}"}}},
    )  # fmt: skip
    assert requests[1].body == b'{"id": 7, "tag": "a/b"}'
    assert requests[1].headers["x"] == "a/b"


def test_an_ipv6_endpoint_is_a_valid_url() -> None:
    world = World()
    world.change("app", endpoints={80: Endpoint(host="::1", port=8080)})
    world.answers("/", answer())
    (request,) = sent(world, {"get": "/"})
    assert request.url == "http://[::1]:8080/"


def test_without_checks_each_service_gets_the_one_that_suits_it() -> None:
    world = World("web", "migrate", "db", "worker", main="web")
    world.change("migrate", one_shot=True)
    world.engine.infos["c-migrate"] = container("migrate", state="exited", exit_code=0)
    world.engine.infos["c-db"] = container("db", health="healthy")
    checks = default_checks(world.app, world.engine)
    assert [check.title for check in checks] == [
        "GET /", "migrate completed", "db healthy", "worker stays up for 3 s",
    ]  # fmt: skip
    world.answers("/", answer(404))
    results = run_checks(checks, world.app, ports=world, scope=Scope(None))
    assert all(result.passed for result in results)


def test_a_main_service_without_a_port_has_to_stay_up() -> None:
    world = World()
    world.change("app", endpoints={})
    assert [c.title for c in default_checks(world.app, world.engine)] == ["app stays up for 3 s"]
