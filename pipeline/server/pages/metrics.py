"""Numbers for Prometheus, from the record and from what is live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pipeline.server.pages.board import Board, board_of
from pipeline.server.pages.health import Standing

WELL = ("live", "in place")


async def metrics(request: Request) -> Response:
    """In Prometheus's text format."""
    board = board_of(request)
    standings = await board.health.all(list(board.projects))
    text = await run_in_threadpool(exposition, board, standings)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def exposition(board: Board, standings: Mapping[str, Standing]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(board, standings))
    for collector in board.collectors:
        registry.register(collector)
    return generate_latest(registry)


class _Numbers(Collector):
    """Made for one answer."""

    def __init__(self, board: Board, standings: Mapping[str, Standing]) -> None:
        self._board = board
        self._standings = standings

    def collect(self) -> Iterator[Metric]:
        yield self._runs()
        yield from self._latest()
        yield from self._live()

    def _runs(self) -> Metric:
        found = CounterMetricFamily(
            "dockcycle_runs", "Runs in the record.", labels=("project", "status", "trigger")
        )
        for (project, status, trigger), count in self._board.store.tally().items():
            if project in self._board.projects:
                found.add_metric((project, status, trigger), count)
        return found

    def _latest(self) -> Iterator[Metric]:
        took = _gauge("dockcycle_last_run_seconds", "How long the last finished run took.")
        ended = _gauge(
            "dockcycle_last_success_timestamp_seconds", "When the last good run ended (Unix time)."
        )
        for project in self._board.projects:
            recent = self._board.store.runs(project, limit=50)
            done = next((run for run in recent if run.finished is not None), None)
            good = self._board.store.runs(project, status="passed", limit=1)
            if done and done.finished is not None:
                took.add_metric((project,), round(done.finished - done.started, 3))
            if good and good[0].finished is not None:
                ended.add_metric((project,), good[0].finished)
        yield from (took, ended)

    def _live(self) -> Iterator[Metric]:
        up = _gauge("dockcycle_up", "1: what is live is as recorded and well; 0: it is not.")
        answers = _gauge("dockcycle_engine_answers", "1: the Docker engine answered.")
        restarts = _gauge("dockcycle_restarts", "Restarts of the containers that serve.")
        number = _gauge("dockcycle_release", "The number of the release in force.")
        for project, standing in self._standings.items():
            status = standing.status
            answers.add_metric((project,), float(not standing.problem))
            up.add_metric((project,), float(standing.state in WELL))
            if status:
                restarts.add_metric((project,), sum(s.restarts for s in status.services))
            if status and status.release:
                number.add_metric((project,), float(status.release.removeprefix("r")))
        yield from (up, answers, restarts, number)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=("project",))
