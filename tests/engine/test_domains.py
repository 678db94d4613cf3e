"""Projects at domains, behind the one gate of the engine, with certificates that are verified."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from pipeline.kit.gate import NAME
from tests.engine.conftest import AppUnderTest
from tests.engine.domains import (
    AtGate,
    alone,
    ask,
    ask_plainly,
    authority,
    named_app,
    operate,
    root_of,
)
from tests.engine.faults import eventually
from tests.engine.small import SAYS, small_app, write_version
from tests.support.load import load

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with alone():
        yield


def answers(name: str, root: str) -> bool:
    try:
        return ask(name, root) == (200, says(1))
    except OSError:
        return False


def says(version: int) -> str:
    return SAYS.format(version=version).strip()


def test_no_request_is_lost_at_two_domains_whoever_releases(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with (
        named_app(tmp_path / "a", engine) as (a, at_a),
        named_app(tmp_path / "b", engine, "localhost") as (b, at_b),
    ):
        with ThreadPoolExecutor() as pool:  # which of them makes the gate is all the same
            firsts = list(pool.map(AppUnderTest.run, (a, b)))
        for first, name in zip(firsts, (at_a, at_b), strict=True):
            assert first.code == 0, first.text
            assert f"live at https://{name}" in first.text
            assert "certificate" not in first.text
        gate = engine.containers.get(NAME).id
        root = root_of(engine)
        with (
            load(443, clients=2, pause=0.05, connect=lambda: AtGate(at_a, root)) as of_a,
            load(443, clients=2, pause=0.05, connect=lambda: AtGate(at_b, root)) as of_b,
        ):
            write_version(a, 2)
            done = a.run()
            assert "without a gap" in done.text, done.text
            operate(b, f"domain: [{at_b}, www.{at_b}]")
            done = b.run()  # one more name, while all are in use
            assert done.code == 0, done.text
            assert a.command("rollback", "--output", "plain").code == 0
        assert (of_a.failures, of_b.failures) == ([], [])
        assert set(of_a.answers) == {says(1), says(2)}
        assert set(of_b.answers) == {says(1)}
        assert ask(f"www.{at_b}", root) == (200, says(1))
        assert ask_plainly(at_a, "/x?y=1") == (308, f"https://{at_a}/x?y=1")
        assert engine.containers.get(NAME).id == gate
        assert a.command("status", "--json").json["url"] == f"https://{at_a}"


def test_the_gate_comes_back_refuses_what_is_taken_and_goes_with_the_last(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with (
        named_app(tmp_path / "a", engine) as (a, at_a),
        named_app(tmp_path / "b", engine) as (b, at_b),
    ):
        assert a.run().code == 0
        operate(b, f"domain: [{at_b}, {at_a}]")
        refused = b.run()
        assert refused.code == 1
        assert f"{at_a} is served by {a.name} on this engine" in refused.text
        assert engine.api.images(filters={"label": f"dockcycle.project={b.name}"}) == []
        operate(b, f"domain: {at_b}")
        assert b.run().code == 0
        root = root_of(engine)

        engine.containers.get(NAME).remove(force=True)
        status = a.command("status", "--json").json
        assert (status["state"], status["services"][0]["drift"]) == ("degraded", "the gate is gone")
        assert a.command("start").code == 0
        assert [ask(name, root) for name in (at_a, at_b)] == [(200, says(1))] * 2
        os.kill(engine.containers.get(NAME).attrs["State"]["Pid"], signal.SIGKILL)
        assert eventually(lambda: answers(at_a, root), 60)  # the engine starts it again

        assert a.command("stop").code == 0
        assert ask(at_a, root)[0] == 404
        assert ask(at_b, root) == (200, says(1))
        assert a.command("start").code == 0
        assert ask(at_a, root) == (200, says(1))

        assert f"the gate no more leads {at_b} to {b.name}" in b.command("down").text
        last = a.command("down")
        assert "certificates stay in the volume" in last.text
        assert engine.containers.list(all=True, filters={"name": NAME}) == []
        assert engine.networks.list(filters={"label": "dockcycle.role=gate"}) == []


def test_a_port_that_something_else_has_is_told_before_anything_is_built(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with named_app(tmp_path / "a", engine) as (app, _), socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", 80))
        other.listen()
        done = app.run()
        assert done.code == 1
        assert "port 80 is in use by another program on this machine" in done.text
        assert "one gate for all projects" in done.text
        assert engine.api.images(filters={"label": f"dockcycle.project={app.name}"}) == []
        assert engine.containers.list(all=True, filters={"name": NAME}) == []


def test_a_domain_comes_to_an_app_in_use(tmp_path: Path, engine: docker.DockerClient) -> None:
    """Its published port goes on without a gap."""
    with small_app(tmp_path / "a", engine) as app:
        operate(app, f"publish: {app.port}")
        write_version(app, 1)
        assert app.run().code == 0
        front = engine.containers.get(f"{app.name}-front").id
        with load(app.port, clients=2, pause=0.05) as asked:
            operate(app, f"publish: {app.port}, domain: {app.name}.test")
            write_version(app, 2)
            done = app.run()
            assert "without a gap" in done.text, done.text
        assert asked.failures == []
        assert engine.containers.get(f"{app.name}-front").id == front
        assert ask(f"{app.name}.test", root_of(engine)) == (200, says(2))


def test_a_public_name_gets_its_certificate_from_an_authority(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    """By ACME, with a challenge that the authority itself puts to the gate at that name: one by
    which containers find it, as there is no DNS of ours."""
    public = f"{NAME}.{NAME}"
    with authority(engine) as (ca, root), small_app(tmp_path / "a", engine) as app:
        (app.directory / "root.pem").write_text(root)
        write_version(app, 1)
        operate(app, f"domain: {public}, acme: {{{{ca: '{ca}', root: root.pem}}}}")
        done = app.run()
        assert done.code == 0, done.text
        assert "certificate" not in done.text
        assert ask(public, root) == (200, says(1))
        # The next one is asked by that name; one that leads nowhere is no fault of the release.
        write_version(app, 2)
        nowhere = "nobody.example.org"
        operate(app, f"domain: [{public}, {nowhere}], acme: {{{{ca: '{ca}', root: root.pem}}}}")
        done = app.run()
        assert done.code == 0, done.text
        assert f"no certificate for {nowhere} yet" in done.text
        assert ask(public, root) == (200, says(2))
