"""A registry on loopback, in memory, that does what tests tell it to.

Speaks enough of the registry API v2 for an engine to push to it and for anyone to read manifests.
Faults are taken from a list, one for each request that matches; then it behaves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Fault:
    """What happens to one request instead of the right answer."""

    status: int = 0
    """Answer with this; 0: none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    """Close the connection without an answer."""
    delay: float = 0.0
    """Seconds before the answer (the right one, if nothing else is said)."""
    path: str = ""
    """Only for requests whose path has a match of this expression."""
    method: str = ""


@dataclass
class Script:
    """Settings, and what was seen."""

    faults: list[Fault] = field(default_factory=list)
    login: tuple[str, str] | None = None
    """User and password."""
    tokens: bool = False
    """Bearer tokens instead of basic authentication."""
    realm: str = ""
    """Where tokens come from; empty: here."""
    refresh_token: str = ""
    """An identity token that is taken, too."""
    manifests: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    """(name, tag or digest) → body and media type."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path with query."""
    grants: list[Mapping[str, str]] = field(default_factory=list)
    """What was asked of the token realm."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put_image(self, name: str, tag: str, config: bytes = b"{}") -> str:
        """A manifest of one small layer; its digest."""
        layer = b"layer"
        document = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"digest": digest_of(config), "size": len(config)},
            "layers": [{"digest": digest_of(layer), "size": len(layer)}],
        }  # fmt: skip
        return self.put_manifest(name, tag, json.dumps(document).encode(), MANIFEST)

    def put_manifest(self, name: str, tag: str, body: bytes, media_type: str) -> str:
        digest = digest_of(body)
        for reference in (tag, digest):
            self.manifests[name, reference] = (body, media_type)
        return digest

    def count(self, method: str, pattern: str = "") -> int:
        return sum(m == method and re.search(pattern, p) is not None for m, p in self.requests)


@dataclass(frozen=True)
class RegistryServer:
    host: str
    """``127.0.0.1:PORT``."""
    script: Script


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def registry_server(port: int = 0, **settings: Any) -> Iterator[RegistryServer]:
    """Run one within the block, at a free port or that one; ``settings`` are fields of
    ``Script``."""
    script = Script(**settings)
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"script": script}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield RegistryServer(f"127.0.0.1:{server.server_address[1]}", script)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are a part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    script: Script
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        chunked = "chunked" in self.headers.get("transfer-encoding", "")
        self.data = self._chunks() if chunked else self.rfile.read(length)
        parts = urlsplit(self.path)
        self.query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        with self.script.lock:
            self.script.requests.append((self.command, self.path))
            fault = self._fault()
        if fault is not None:
            time.sleep(fault.delay)
            if fault.drop:
                self.close_connection = True
                return
            if fault.status:
                self._answer(fault.status, fault.body, fault.headers)
                return
        with self.script.lock:
            self._route(parts.path)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _any

    def _chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _fault(self) -> Fault | None:
        for fault in self.script.faults:
            if fault.method in ("", self.command) and re.search(fault.path, self.path):
                self.script.faults.remove(fault)
                return fault
        return None

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        for name, value in {"Docker-Distribution-Api-Version": "registry/2.0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _route(self, path: str) -> None:
        if path == "/token":
            self._token()
        elif not self._authorized():
            self._challenge()
        elif path == "/v2/":
            self._answer(200, b"{}")
        elif match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            self._manifest(*match.groups())
        elif match := re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", path):
            self._upload(*match.groups())
        elif match := re.fullmatch(r"/v2/(.+)/blobs/(sha256:[0-9a-f]+)", path):
            blob = self.script.blobs.get(match[2])
            self._answer(404 if blob is None else 200, blob or b"")
        else:
            self._error(404, "UNSUPPORTED", "no such thing")

    def _error(self, status: int, code: str, message: str, **headers: str) -> None:
        # An engine takes an error without a detail for one that may pass, and tries for a minute.
        error = {"code": code, "message": message, "detail": {"path": self.path}}
        body = json.dumps({"errors": [error]}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answer(status, body, {"Content-Type": "application/json", **named})

    # who may

    def _basic(self) -> tuple[str, str] | None:
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, password

    def _authorized(self) -> bool:
        if self.script.tokens:
            return self.headers.get("authorization") == "Bearer good"
        return self.script.login is None or self._basic() == self.script.login

    def _challenge(self) -> None:
        realm = self.script.realm or f"http://{self.headers['host']}/token"
        demand = f'Bearer realm="{realm}",service="test",scope="repository:any:pull,push"'
        if not self.script.tokens:
            demand = 'Basic realm="test"'
        self._error(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=demand)

    def _token(self) -> None:
        form = {k: v[0] for k, v in parse_qs(self.data.decode()).items()}
        self.script.grants.append({**self.query, **form})
        refreshed = bool(form) and form.get("refresh_token") == self.script.refresh_token
        if refreshed or self.script.login in (None, self._basic()):
            self._answer(200, b'{"token": "good", "access_token": "good", "expires_in": 300}')
        else:
            self._error(401, "UNAUTHORIZED", "incorrect username or password")

    # what is there

    def _manifest(self, name: str, reference: str) -> None:
        if self.command == "PUT":
            media_type = self.headers.get("content-type", "")
            digest = self.script.put_manifest(name, reference, self.data, media_type)
            self._answer(201, headers={"Docker-Content-Digest": digest})
            return
        body, media_type = self.script.manifests.get((name, reference), (b"", ""))
        if not body:
            self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return
        digest = digest_of(body)
        self._answer(200, body, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _upload(self, name: str, upload: str) -> None:
        upload = upload or str(len(self.script.uploads))
        data = self.script.uploads.setdefault(upload, bytearray())
        data += self.data
        if self.command == "PUT":
            self.script.blobs[self.query["digest"]] = bytes(data)
            self._answer(201, headers={"Docker-Content-Digest": self.query["digest"]})
            return
        headers = {"Location": f"/v2/{name}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload}
        if data:
            headers["Range"] = f"0-{len(data) - 1}"
        self._answer(202, headers=headers)
