"""Where a container listens, from lines that real kernels printed."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeEngine, Program
from pipeline.kit.listening import Listener, diagnose, listeners, parse
from pipeline.ports.engine import ContainerSpec, ExecResult
from pipeline.scope import Scope

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:8F65 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 2 1
   2: 020011AC:1F90 010011AC:C822 01 00000000:00000000 00:00000000 00000000 65534        0 3 1
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 00000000
   1: 0000000000000000FFFF00000100007F:2329 00000000000000000000000000000000:0000 0A 00000000
   2: 00000000000000000000000001000000:1F40 00000000000000000000000000000000:0000 0A 00000000
"""
FOUND = (Listener(8000, private=True), Listener(9000, private=False), Listener(9001, private=True))


def test_open_ports_are_read_and_dockers_own_left_out() -> None:
    assert parse(TCP) == FOUND


@pytest.mark.parametrize(
    ("port", "told", "certain"),
    [
        (8000, "the app listens on 127.0.0.1:8000 only", True),
        (80, "the app listens on 127.0.0.1:8000, 9000, 127.0.0.1:9001, not on 80", False),
    ],
)
def test_a_port_that_nobody_reaches_has_a_reason(port: int, told: str, certain: bool) -> None:
    found = diagnose(FOUND, port)
    assert found is not None
    assert found.message.startswith(told) and found.certain is certain


def test_what_cannot_be_seen_is_not_made_up() -> None:
    assert diagnose(FOUND, 9000) is None, "it listens: the fault is elsewhere"
    assert diagnose((), 8000) is None, "it may still be starting"


def test_a_container_without_cat_tells_nothing() -> None:
    engine = FakeEngine()
    engine.publish("busybox:1")
    image = engine.pull("busybox:1", None, print, Scope()).id
    argv = ("cat", "/proc/net/tcp", "/proc/net/tcp6")
    for name, result in (("no", ExecResult(exit_code=127, output="no cat")),
                         ("yes", ExecResult(exit_code=0, output=TCP))):  # fmt: skip
        engine.state.programs[(name,)] = Program(commands={argv: result})
        engine.start(engine.create(ContainerSpec(image=image, name=name, command=(name,))))
    assert listeners(engine, "no", Scope()) is None
    assert listeners(engine, "gone", Scope()) is None
    assert listeners(engine, "yes", Scope()) == FOUND
