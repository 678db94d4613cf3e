import io
import json

from pipeline.events import Event, StageLog
from pipeline.render.json_lines import JsonRenderer
from pipeline.render.stored import parse


def shown(events: list[Event]) -> list[str]:
    stream = io.StringIO()
    renderer = JsonRenderer(stream)
    for event in events:
        renderer(event)
    renderer.close()
    return stream.getvalue().splitlines()


def test_a_line_an_event_and_run_finished_last(failed: list[Event]) -> None:
    lines = [json.loads(line) for line in shown(failed)]
    assert [line["type"] for line in lines] == [event.type for event in failed]
    assert lines[-1]["type"] == "run_finished"
    assert lines[-1]["status"] == "failed" and lines[-1]["run"] == failed[0].run
    assert lines[5]["error"]["where"] == {
        "file": "/srv/hello/Dockerfile", "line": 7, "column": None, "key": "",
    }  # fmt: skip


def test_lines_are_ascii_without_control_bytes() -> None:
    [line] = shown([StageLog(stage="build", line="ü\x1b[31m\x07\u2028\ud800\n")])
    assert line.isascii() and line.isprintable()
    assert json.loads(line)["line"] == "ü\x1b[31m\x07\u2028\ud800\n"


def test_events_come_back_from_their_json_form(passed: list[Event], failed: list[Event]) -> None:
    events = passed + failed
    assert [parse(json.loads(line)) for line in shown(events)] == events


def test_an_event_of_a_newer_version_is_a_plain_event() -> None:
    assert parse({"type": "novelty", "run": "r", "at": 3.0, "more": 1}) == Event(run="r", at=3.0)
