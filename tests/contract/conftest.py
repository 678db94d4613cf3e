"""See ``world``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.world import World, fake_world, real_world


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = fake_world() if request.param == "fake" else real_world()
    yield made
    made.clean()
