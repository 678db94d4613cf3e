"""An engine behind ssh; the ssh here is a script that leads to a socket of this machine."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.endpoint import Endpoint
from pipeline.adapters.docker.ssh import ssh_argv
from pipeline.errors import Cancelled, EngineUnavailable
from pipeline.scope import Scope
from tests.unit.adapters.docker.daemon import Daemon, waits

SSH = """\
#!{python}
import socket, sys, threading
assert sys.argv[-3:] == ["docker", "system", "dial-stdio"], sys.argv
engine = socket.socket(socket.AF_UNIX)
engine.connect({socket!r})
def pump(read, write):
    while data := read():
        write(data)
    engine.shutdown(socket.SHUT_WR)
inward = (lambda: sys.stdin.buffer.raw.read(65536), engine.sendall)
threading.Thread(target=pump, args=inward, daemon=True).start()
while data := engine.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://host", ["--", "host", "docker", "system", "dial-stdio"]),
        ("ssh://me@host:22", ["-l", "me", "-p", "22", "--", "host", "docker", "system",
                              "dial-stdio"]),
        ("ssh://host/run/d.sock", ["--", "host", "docker", "--host", "unix:///run/d.sock",
                                   "system", "dial-stdio"]),
    ],
)  # fmt: skip
def test_the_command_is_that_of_docker(address: str, words: list[str]) -> None:
    argv = ssh_argv(address)
    assert argv[:1] == ["ssh"]
    assert argv[-len(words) :] == words
    assert "BatchMode=yes" in argv


def test_a_host_is_never_an_option() -> None:
    argv = ssh_argv("ssh://-oProxyCommand=x")
    assert argv[argv.index("-oproxycommand=x") - 1] == "--"


@pytest.mark.parametrize("address", ["ssh://", "ssh://host:port", "ssh://me@"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(EngineUnavailable):
        ssh_argv(address)


@pytest.fixture
def client(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(python=sys.executable, socket=str(daemon.server_address)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return Client(Endpoint("ssh://me@there", tmp_path))


def test_calls_and_streams_go_through_ssh(daemon: Daemon, client: Client) -> None:
    daemon.answers["info"] = lambda: (200, b'{"ID": "far"}')
    daemon.chunks["events"] = lambda: iter([b"one", b"two"])
    assert client.ask(lambda api: api.info())["ID"] == "far"
    with client.stream("GET", "/events", scope=Scope(20)) as chunks:
        assert list(chunks) == [b"one", b"two"]


def test_an_answer_that_ends_with_its_connection_is_read_to_its_end(
    daemon: Daemon, client: Client
) -> None:
    daemon.raw["raw"] = b"x" * 100_000
    with client.stream("GET", "/raw", scope=Scope(20)) as chunks:
        assert b"".join(chunks) == b"x" * 100_000


def test_a_stream_through_ssh_is_cut_too(daemon: Daemon, client: Client) -> None:
    daemon.chunks["events"] = lambda: waits(daemon)
    scope = Scope(60)
    with client.stream("GET", "/events", scope=scope) as chunks:
        assert next(chunks) == b"first"
        threading.Timer(0.1, scope.cancel).start()
        with pytest.raises(Cancelled):
            next(chunks)


def test_an_ssh_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EngineUnavailable, match="ssh://me@there cannot be reached") as caught:
        Client(Endpoint("ssh://me@there", tmp_path)).ask(lambda api: api.info())
    assert "ssh ssh://me@there docker version" in caught.value.hint


def test_what_ssh_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\necho 'me@there: Permission denied (publickey).' >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EngineUnavailable, match="cannot be reached") as caught:
        Client(Endpoint("ssh://me@there", tmp_path)).ask(lambda api: api.info())
    assert "Permission denied (publickey)" in caught.value.detail
