"""Small apps at domains, and asking them as browsers do: by name, with certificates verified."""

from __future__ import annotations

import fcntl
import http.client
import io
import json
import os
import socket
import ssl
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from pipeline.kit.gate import NAME
from tests.engine.conftest import AppUnderTest
from tests.engine.faults import eventually
from tests.engine.small import small_app, write_version

ROOT = "/data/caddy/pki/authorities/local/root.crt"
CA = "dockcycle-test-ca"
CA_CONFIG = {
    "admin": {"disabled": True},
    "apps": {
        "http": {
            "servers": {
                "ca": {
                    "listen": [":443"],
                    "routes": [
                        {
                            "match": [{"host": [f"{CA}.{NAME}"]}],
                            "handle": [{"handler": "acme_server"}],
                        }
                    ],
                }
            }
        },
        "tls": {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}},
        "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
    },
}
PIPELINE = """\
version: 1
name: {{name}}
stages:
  - code
  - dockerfile
  - build
  - run: {{{{port: 8000, stop_grace_period: 1s}}}}
  - smoke: {{{{within: 3s, checks: [{{{{get: /, expect: {{{{status: 200, body: good}}}}}}}}]}}}}
  - operate: {{{{keep: 2, soak: 1s, drain: 5s, {operate}}}}}
"""


@contextmanager
def alone() -> Iterator[None]:
    """Of all tests side by side on the lab's engine, one at a time may touch its gate."""
    path = Path(tempfile.gettempdir()) / f"dockcycle-test-gate.{os.environ['DOCKCYCLE_LAB']}"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest's own limit is the deadline
        yield


@contextmanager
def named_app(
    folder: Path, engine: docker.DockerClient, suffix: str = "test", more: str = ""
) -> Iterator[tuple[AppUnderTest, str]]:
    """A page of one line that is to serve at ``PROJECT.suffix``, and that name."""
    folder.mkdir()
    with small_app(folder, engine) as app:
        domain = f"{app.name}.{suffix}"
        operate(app, f"domain: {domain}{more}")
        write_version(app, 1)
        yield app, domain


def operate(app: AppUnderTest, options: str) -> None:
    """Write its pipeline with these options of ``operate``."""
    app.pipeline(PIPELINE.format(operate=options))


def root_of(engine: docker.DockerClient, container: str = NAME) -> str:
    """The root certificate of a Caddy's own authority, as PEM."""
    done = engine.containers.get(container).exec_run(["cat", ROOT])
    assert done.exit_code == 0, done.output
    text: str = done.output.decode()
    return text


class AtGate(http.client.HTTPSConnection):
    """HTTPS to the gate on loopback, whatever the name means in DNS; ``root`` is what it trusts."""

    def __init__(self, name: str, root: str) -> None:
        self._trusted = ssl.create_default_context(cadata=root)
        super().__init__(name, timeout=60, context=self._trusted)

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", 443), 60)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)


def ask(name: str, root: str, path: str = "/") -> tuple[int, str]:
    """Status and body over HTTPS."""
    connection = AtGate(name, root)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    finally:
        connection.close()


def ask_plainly(name: str, path: str = "/") -> tuple[int, str]:
    """Status and ``Location`` (else the body) over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        body = answer.read().decode().strip()
        return answer.status, answer.getheader("Location") or body
    finally:
        connection.close()


@contextmanager
def authority(engine: docker.DockerClient) -> Iterator[tuple[str, str]]:
    """An ACME server, a second Caddy in the gate's network: its directory, and its root as PEM."""
    network = engine.networks.create(NAME, labels={"dockcycle.role": "gate"})
    image = engine.images.pull("caddy", "2")
    ca = engine.containers.create(
        image, ["caddy", "run", "--config", "/etc/caddy/ca.json"], name=CA, network=NAME
    )
    try:
        ca.put_archive("/etc/caddy", _archive("ca.json", json.dumps(CA_CONFIG).encode()))
        ca.start()
        assert eventually(lambda: ca.exec_run(["cat", ROOT]).exit_code == 0, 30)
        yield f"https://{CA}.{NAME}/acme/local/directory", root_of(engine, CA)
    finally:
        ca.remove(force=True, v=True)
        network.remove()
        engine.volumes.get(NAME).remove()  # certificates of an authority that is gone


def _archive(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
