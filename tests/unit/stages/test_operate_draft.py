"""Which port of an app goes live."""

from __future__ import annotations

from pipeline.artifacts import SINGLE, App, Endpoint, ServiceState
from stages._operate_draft import main_port


def app(endpoints: dict[int, int], url: str = "") -> App:
    """``endpoints``: container port → host port."""
    state = ServiceState(
        container="c1", name="hello", image="sha256:1",
        endpoints={inside: Endpoint(host="127.0.0.1", port=at) for inside, at in endpoints.items()},
    )  # fmt: skip
    return App(kind="container", services={SINGLE: state}, spec={}, url=url)


def test_it_is_the_one_that_was_tested() -> None:
    """The image may expose another one, at which nobody listens."""
    assert main_port(app({5000: 32768, 8000: 32769}, "http://localhost:32769")) == 8000


def test_it_is_the_first_where_the_url_names_none() -> None:
    assert main_port(app({5000: 32768, 8000: 32769})) == 5000


def test_a_worker_has_none() -> None:
    assert main_port(app({})) is None
