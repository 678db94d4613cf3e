"""Requests through ssh; the ssh here is a script that connects to where it is told."""

from __future__ import annotations

import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.adapters.ssh import SshHost
from pipeline.adapters.ssh_http import SshHttp
from pipeline.errors import Cancelled
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope

SSH = """\
#!{python}
import socket, sys, threading
forward = sys.argv[sys.argv.index("-W") + 1]
assert sys.argv[-2:] == ["--", "there"], sys.argv
host, _, port = forward.rpartition(":")
try:
    far = socket.create_connection((host.strip("[]"), int(port)))
except OSError:
    sys.exit("open failed: connect failed: Connection refused")
def pump():
    while data := sys.stdin.buffer.raw.read(65536):
        far.sendall(data)
threading.Thread(target=pump, daemon=True).start()
while data := far.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


class Hello(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


class Silent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(65536):
            pass


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.fixture(params=[Hello])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), request.param) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


HTTP = SshHttp(SshHost("there"))


def test_a_request_goes_through_ssh(port: int) -> None:
    response = HTTP.request(HttpRequest(url=f"http://127.0.0.1:{port}/", timeout=30), Scope(30))
    assert (response.status, response.body) == (200, b"hi")


def test_where_nobody_listens_it_looks_absent() -> None:
    with pytest.raises(HttpFailure) as caught:
        HTTP.request(HttpRequest(url="http://127.0.0.1:1/", timeout=30), Scope(30))
    assert caught.value.kind == "absent"


@pytest.mark.parametrize("port", [Silent], indirect=True)
def test_a_request_through_ssh_is_cut_with_its_scope(port: int) -> None:
    scope = Scope(60)
    threading.Timer(0.3, scope.cancel).start()
    with pytest.raises(Cancelled):
        HTTP.request(HttpRequest(url=f"http://127.0.0.1:{port}/", timeout=50), scope)


@pytest.mark.parametrize("port", [Silent], indirect=True)
def test_a_port_is_open_when_the_connection_lasts(port: int) -> None:
    HTTP.tcp("127.0.0.1", port, 30)
    assert not HTTP.port_free("", port)


def test_a_port_without_a_listener_is_free() -> None:
    assert HTTP.port_free("127.0.0.1", 1)


def test_connections_share_one_only_where_nobody_else_can_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 60)))
    assert "ControlMaster=auto" not in SshHost("there").argv()


def test_an_ipv6_address_is_forwarded_in_brackets() -> None:
    argv = SshHost("there").argv(forward="[::1]:80")
    assert argv[argv.index("-W") + 1] == "[::1]:80"
