"""The thread that listens to an engine ends with its scope, however that ends."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.app.supervise.ears import Back, Gone, Heard, listen
from pipeline.scope import Scope

PATIENCE = 10.0


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("ending", ["cancelled", "out of time"])
def test_it_listens_until_the_scope_ends(away: bool, ending: str) -> None:
    engine, heard = FakeEngine(), list[Heard]()
    engine.state.unavailable = away
    scope = Scope(0.1 if ending == "out of time" else None)
    thread = listen(engine, heard.append, scope)
    if ending == "cancelled":
        while not heard:
            scope.sleep(0.01)
        scope.cancel()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert {type(one) for one in heard} == {Gone if away else Back}
    assert len(heard) < PATIENCE
