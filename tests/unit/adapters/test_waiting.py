import threading
import time

import pytest

from pipeline.adapters.waiting import in_thread
from pipeline.errors import Cancelled, DeadlineExceeded
from pipeline.scope import Scope


def test_the_result_comes_back() -> None:
    assert in_thread(lambda: 7, Scope(), limit=5) == 7


def test_an_error_comes_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        in_thread(fail, Scope(), limit=5)


@pytest.mark.parametrize("how", ["limit", "deadline", "cancel"])
def test_a_call_that_hangs_is_left_behind(how: str) -> None:
    hanging = threading.Event()
    scope = Scope(0.1) if how == "deadline" else Scope()
    if how == "cancel":
        threading.Timer(0.1, scope.cancel).start()
    expected = {"limit": TimeoutError, "deadline": DeadlineExceeded, "cancel": Cancelled}[how]
    started = time.monotonic()
    with pytest.raises(expected):
        in_thread(hanging.wait, scope, limit=0.1 if how == "limit" else 30)
    assert time.monotonic() - started < 10
    hanging.set()
