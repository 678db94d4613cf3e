from typing import Any

from pipeline.app.diff import compare
from pipeline.store import RunRecord, StageRecord


def record(run: str, **artifacts: dict[str, Any]) -> RunRecord:
    stage = StageRecord(
        key="all", uses="all", status="passed", started=0.0, seconds=1.0,
        artifacts=tuple({"type": kind, "value": value} for kind, value in artifacts.items()),
    )  # fmt: skip
    return RunRecord(run, "hello", "p.yml", "cli", 1, 0.0, "passed", stages=(stage,))


def changes(a: RunRecord, b: RunRecord) -> dict[str, tuple[str, str]]:
    return {change.what: (change.a, change.b) for change in compare(a, b)}


def app(**spec: Any) -> dict[str, Any]:
    return {"kind": "container", "spec": spec, "environment": "h"}


def test_equal_runs_do_not_differ() -> None:
    assert compare(record("a", App=app(name="x-1")), record("b", App=app(name="x-2"))) == []


def test_a_specification_is_compared_fact_by_fact() -> None:
    a = app(environment={"A": "1", "name": "x"}, ports=[{"container": 80}], memory=None)
    b = app(environment={"A": "2", "name": "y"}, ports=[{"container": 81}], memory=5)
    assert changes(record("a", App=a), record("b", App=b)) == {
        "app.environment.A": ("1", "2"),
        "app.environment.name": ("x", "y"),
        "app.ports.0.container": ("80", "81"),
        "app.memory": ("", "5"),
    }


def test_compose_services_are_compared_without_what_always_differs() -> None:
    def model(tag: str) -> dict[str, Any]:
        return app(services={"web": {"image": tag, "labels": {"x": tag}, "command": [tag]}})

    assert changes(record("a", App=model("1")), record("b", App=model("2"))) == {
        "app.services.web.command": ("1", "2")
    }


def test_a_dockerfile_is_compared_line_by_line() -> None:
    def files(text: str) -> dict[str, Any]:
        return {"services": {"app": {"blob": text[:3], "text": text}}}

    [change] = compare(
        record("a", Dockerfiles=files("A 1\nB\n")), record("b", Dockerfiles=files("C 1\nB\n"))
    )
    assert change.what == "dockerfile.app"
    assert change.lines == ("--- a", "+++ b", "@@ -1,2 +1,2 @@", "-A 1", "+C 1", " B")


def test_results_and_digests() -> None:
    def results(passed: bool, digest: str, tag: str) -> dict[str, Any]:
        pushed = {"ref": f"reg:5000/acme/hello:{tag}", "digest": digest}
        return {
            "SmokeReport": {"results": [{"name": "home", "passed": passed, "message": "was 500"}]},
            "PushedImages": {"services": {"app": [pushed]}},
        }

    found = changes(
        record("a", **results(True, "d1", "x")), record("b", **results(False, "d2", "y"))
    )
    assert found == {
        "smoke.home": ("passed", "was 500"),
        "pushed.app.reg:5000/acme/hello": ("d1", "d2"),
    }
