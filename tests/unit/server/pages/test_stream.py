"""The live log goes on where the reader was, and ends with the run."""

from __future__ import annotations

import asyncio
import json

from starlette.testclient import TestClient

from pipeline.server.pages import Board
from pipeline.server.pages.facts import RunFacts
from pipeline.server.pages.stream import Follower, follow
from tests.support import page, shop_runs

RUN = "20261124T080000-77aa"


def messages(text: str) -> list[tuple[str, str, str]]:
    """(event, id, data) of each message."""
    found = []
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        if "event" in fields:
            found.append((fields["event"], fields.get("id", ""), fields["data"]))
    return found


def lines(found: list[tuple[str, str, str]]) -> str:
    return "".join(json.loads(data)["html"] for event, _, data in found if event == "log")


def drawn(facts: RunFacts) -> str:
    return f"{facts.item.status}\n{facts.item.doing}"


def read(follower: Follower) -> list[tuple[str, str, str]]:
    return messages("".join(follower.read()))


def test_what_happens_comes_once_and_in_order(board: Board) -> None:
    told = page.begin(board.store, RUN, page.NOW)
    with page.alive(board.store):
        follower = Follower(board.store, RUN, 0, drawn)
        told.start("code")
        told.log("code", "one", step="checks")
        first = read(follower)
        assert [event for event, _, _ in first] == ["log", "state"]
        assert (
            lines(first)
            == '<div class="line step">checks</div>\n<div class="line stdout">one</div>\n'
        )
        assert first[-1][2] == "running\ncode"
        assert read(follower) == []

        told.log("code", "two", step="checks")
        assert lines(read(follower)) == '<div class="line stdout">two</div>\n'
        told.end("code", 1)
        told.finish("failed", 1)
    last = read(follower)
    assert [event for event, _, _ in last] == ["state", "end"]
    assert last[0][2].startswith("failed")
    assert follower.done


def test_a_reader_that_comes_back_gets_what_it_missed(board: Board) -> None:
    told = page.begin(board.store, RUN, page.NOW)
    told.start("code")
    told.log("code", "one", "two", step="checks")
    told.start("build")
    told.log("build", "three", step="[1/2]")
    with page.alive(board.store):
        whole = read(Follower(board.store, RUN, 0, drawn))
        numbers = [int(number) for event, number, _ in whole if event == "log"]
        assert numbers == [4, 6]
        rest = read(Follower(board.store, RUN, 3, drawn))
        assert lines(rest).count("checks") == 0
        assert "one" not in lines(rest)
        assert lines(rest).index("two") < lines(rest).index("three")
        assert lines(read(Follower(board.store, RUN, numbers[-1], drawn))) == ""


def test_a_run_that_dies_ends_its_stream(board: Board) -> None:
    page.begin(board.store, RUN, page.NOW)
    with page.alive(board.store):
        follower = Follower(board.store, RUN, 0, drawn)
        read(follower)
    assert [event for event, _, _ in read(follower)] == ["state", "end"]


def test_last_event_id_wins_over_the_address(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    path = "/p/shop/runs/20261124T063100-44dd/stream"
    answer = client.get(f"{path}?after=0")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("retry: ")
    assert "128 passed" in lines(messages(answer.text))

    last = max(int(number) for _, number, _ in messages(answer.text) if number)
    again = client.get(f"{path}?after=0", headers={"Last-Event-ID": str(last)})
    assert [event for event, _, _ in messages(again.text)] == ["state", "end"]
    odd = client.get(path, headers={"Last-Event-ID": "'; DROP"})
    assert "128 passed" in lines(messages(odd.text))


def test_programs_get_the_bare_events(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    path = "/api/projects/shop/runs/20261124T063100-44dd/events"
    answer = client.get(path, headers={"Accept": "text/event-stream"})
    found = messages(answer.text)
    assert found[0][0] == "run_started"
    assert [event for event, _, _ in found[-2:]] == ["run_finished", "end"]
    assert json.loads(found[0][2])["project"] == "shop"


def test_a_line_break_cannot_forge_a_message(board: Board) -> None:
    told = page.begin(board.store, RUN, page.NOW)
    told.log("code", "a\n\nevent: end\ndata: x", "b\r\rid: 9")
    with page.alive(board.store):
        found = read(Follower(board.store, RUN, 0, drawn))
    assert [event for event, _, _ in found] == ["log", "state"]


def test_a_quiet_stream_shows_that_it_lives() -> None:
    async def listen() -> list[str]:
        rounds = iter(range(100))
        heard = []
        async for text in follow(lambda: [], lambda: next(rounds) > 5, tick=0.0001, quiet=0.0003):
            heard.append(text)
        return heard

    assert ": still here\n\n" in asyncio.run(listen())
