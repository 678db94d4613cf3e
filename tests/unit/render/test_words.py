"""The words that renderers share."""

from __future__ import annotations

import pytest

from pipeline.events import RunFinished, Serving
from pipeline.render.words import serving_text

URL = "http://localhost:8000"


@pytest.mark.parametrize(
    ("serving", "told"),
    [
        (None, ""),
        (Serving(state="absent"), "nothing serves"),
        (Serving(state="live", release="r4", url=URL), f"r4 still serves at {URL}"),
        (Serving(state="live", release="r5", url=URL), f"r5 serves at {URL}"),
        (Serving(state="in place", url=URL), f"the version before still serves at {URL}"),
        (Serving(state="stopped", release="r4"), "r4 is stopped, as it was"),
        (
            Serving(state="degraded", release="r4", trouble="web is exited (1)"),
            "r4 should serve, but web is exited (1)",
        ),
    ],
)
def test_what_serves(serving: Serving | None, told: str) -> None:
    """r5 is what this run made live, before something after it failed."""
    assert serving_text(RunFinished(serving=serving, outcome={"release": "r5"})) == told
