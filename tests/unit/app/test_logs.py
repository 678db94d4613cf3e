from collections.abc import Iterator
from typing import Any, cast

import pytest

from pipeline.app.logs import Wanted, log_lines
from pipeline.errors import Cancelled, EngineUnavailable
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo
from pipeline.scope import Scope


class Engines:
    """Containers that print lines, and then what they end with: nothing, an error, the scope."""

    def __init__(self, **containers: list[Any]) -> None:
        self.containers = containers
        self.asked: list[dict[str, Any]] = []

    def logs(self, container: str, *, scope: Scope, **asked: Any) -> Iterator[str]:
        self.asked.append(asked)
        for item in self.containers[container]:
            if isinstance(item, Exception):
                raise item
            if item is None:
                while True:
                    scope.sleep(0.01)
            yield item


def read(engine: Engines, wanted: Wanted, scope: Scope | None = None) -> Iterator[tuple[str, str]]:
    pairs = [
        (name, ContainerInfo(id=name, name=name, image="i", state="running"))
        for name in engine.containers
    ]
    return log_lines(cast(Engine, engine), pairs, wanted, scope or Scope())


def test_one_after_the_other() -> None:
    engine = Engines(web=["a", "b"], api=["c"])
    wanted = Wanted(tail=5, since=3.0)
    assert list(read(engine, wanted)) == [("web", "a"), ("web", "b"), ("api", "c")]
    assert engine.asked[0] == {"tail": 5, "since": 3.0, "follow": False}


def test_following_goes_on_until_all_have_ended() -> None:
    lines = list(read(Engines(web=["a", "b"], api=["c"]), Wanted(follow=True)))
    assert sorted(lines) == [("api", "c"), ("web", "a"), ("web", "b")]


def test_following_ends_with_the_scope() -> None:
    scope = Scope()
    lines = read(Engines(web=["a", None], api=["c", None]), Wanted(follow=True), scope)
    assert sorted([next(lines), next(lines)]) == [("api", "c"), ("web", "a")]
    scope.cancel()
    with pytest.raises(Cancelled):
        next(lines)


def test_an_engine_that_goes_away_is_told() -> None:
    lines = read(Engines(web=[EngineUnavailable("gone")], api=[None]), Wanted(follow=True))
    with pytest.raises(EngineUnavailable, match="gone"):
        list(lines)
