"""Foreign failures in our own terms."""

from __future__ import annotations

import socket
from collections.abc import Callable

import docker.errors
import pytest
import requests
import urllib3.exceptions

from pipeline.adapters.docker.errors import (
    docker_errors,
    port_taken,
    refusal,
    registry_error,
    taken_port,
)
from pipeline.errors import (
    DockcycleError,
    EngineRefused,
    EngineUnavailable,
    NotFound,
    PortTaken,
    RegistryDenied,
    RegistryUnavailable,
)

SOCKET = "unix:///var/run/docker.sock"


def response(status: int) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    return made


def translated(error: Exception, address: str = SOCKET) -> DockcycleError:
    with pytest.raises(DockcycleError) as caught, docker_errors(address):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "No such container: x", NotFound),
        (409, "Conflict. The container name is already in use", EngineRefused),
        (500, "Bind for 0.0.0.0:80 failed: port is already allocated", PortTaken),
        (500, "listen tcp4 0.0.0.0:80: bind: address already in use", PortTaken),
        (400, "invalid mount config", EngineRefused),
    ],
)
def test_an_answer_that_is_an_error(status: int, text: str, kind: type[DockcycleError]) -> None:
    error = docker.errors.APIError("failed", response(status), text)
    found = translated(error)
    assert type(found) is kind
    assert text in (found.message, found.detail)
    assert type(refusal(status, text)) is kind


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("Connection aborted."),
        requests.Timeout("read timed out"),
        urllib3.exceptions.ProtocolError("Connection broken: IncompleteRead"),
        docker.errors.DockerException("Error while fetching server API version"),
        ConnectionResetError(104, "Connection reset by peer"),
        socket.gaierror(-2, "Name or service not known"),
    ],
)
def test_no_answer(error: Exception) -> None:
    found = translated(error)
    assert type(found) is EngineUnavailable
    assert SOCKET in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: FileNotFoundError(2, "No such file or directory"), "systemctl start docker"),
        (lambda: ConnectionRefusedError(111, "Connection refused"), "systemctl start docker"),
        (lambda: PermissionError(13, "Permission denied"), "usermod -aG docker"),
    ],
)
def test_the_way_out_depends_on_the_cause(make: Callable[[], Exception], hint: str) -> None:
    assert hint in translated(requests.ConnectionError(make())).hint


def test_an_engine_behind_ssh_is_reached_by_ssh() -> None:
    found = translated(requests.ConnectionError("closed"), "ssh://me@host")
    assert "`ssh ssh://me@host docker version`" in found.hint


def test_our_own_errors_and_bugs_pass() -> None:
    with pytest.raises(NotFound), docker_errors(SOCKET):
        raise NotFound("ours")
    with pytest.raises(KeyError), docker_errors(SOCKET):
        raise KeyError("a bug")


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("Bind for 127.0.0.1:8080 failed: port is already allocated", 8080),
        ("Bind for :::8080 failed: port is already allocated", 8080),
        ("Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use", 80),
        ("listen udp4 0.0.0.0:53: bind: address already in use", 53),
        ("Ports are not available: exposing port TCP 0.0.0.0:5000 -> 127.0.0.1:0: listen tcp "
         "0.0.0.0:5000: bind: address already in use", 5000),
        ("something else", None),
    ],
)  # fmt: skip
def test_the_port_is_found_in_the_words(text: str, port: int | None) -> None:
    assert taken_port(text) == port


def test_a_taken_port_says_by_whom_if_that_is_known() -> None:
    text = "Bind for 127.0.0.1:8080 failed: port is already allocated"
    assert str(port_taken(text, "web")) == "host port 8080 is in use by the container web"
    assert "docker stop web" in port_taken(text, "web").hint
    assert "sport = :8080" in port_taken(text).hint


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("no basic auth credentials", RegistryDenied),
        ("unauthorized: authentication required", RegistryDenied),
        ("denied: requested access to the resource is denied", RegistryDenied),
        ("unexpected status from PUT request to http://r/v2/: 403 Forbidden", RegistryDenied),
        ("pull access denied for x, repository does not exist or may require 'docker login'",
         RegistryDenied),
        ("manifest for r/x:1 not found: manifest unknown: manifest unknown", NotFound),
        ("r/x:1: not found", NotFound),
        ("An image does not exist locally with the tag: x", NotFound),
        ("received unexpected HTTP status: 503 Service Unavailable", RegistryUnavailable),
        ("dial tcp 127.0.0.1:5000: connect: connection refused", RegistryUnavailable),
        ("unexpected EOF", RegistryUnavailable),
        ("net/http: TLS handshake timeout", RegistryUnavailable),
        ("toomanyrequests: You have reached your pull rate limit", RegistryUnavailable),
    ],
)  # fmt: skip
def test_what_an_engine_reports_of_a_registry(text: str, kind: type[DockcycleError]) -> None:
    found = registry_error("registry.example:5000/team/x:1", text)
    assert type(found) is kind
    assert found.detail == text


def test_the_login_that_helps_is_named() -> None:
    assert "`docker login r.example`" in registry_error("r.example/x:1", "denied").hint
    assert "`docker login`" in registry_error("acme/x:1", "denied").hint
