"""One engine, spoken to through the Docker SDK: calls that cannot hang, streams that can be cut."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import IO, TYPE_CHECKING, Any, TypeVar

from pipeline.adapters.docker.endpoint import Endpoint, Tls
from pipeline.adapters.docker.errors import docker_errors, frozen
from pipeline.adapters.guard import Guard, guarded
from pipeline.errors import EngineUnavailable
from pipeline.scope import Scope

if TYPE_CHECKING:
    from docker import APIClient
    from docker.tls import TLSConfig
    from requests import Response

T = TypeVar("T")

API_VERSION = "1.45"
"""The newest that the mappings here were written for; an engine that has not got it is asked."""
PATIENCE = 8.0
"""Seconds of silence after which an engine is asked whether it is still there."""
PING = 5.0
"""Seconds that it has to answer that."""
AGAIN = 1.0
"""Seconds that it has once it has failed to: then it must show a sign of life before anything else
is asked of it, so that tidying up after a frozen engine takes no minutes."""
LONGEST = 300.0
"""Seconds for a call, however alive the engine is."""
SLICE = 0.25
"""Seconds after which a wait looks at the scope again."""


class Client:
    """Connects on first use. Thread-safe.

    A call runs in a thread of its own, and while it is silent the engine is pinged on another
    connection: so a slow engine is waited for, and a frozen one is noticed.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._api: APIClient | None = None
        self._silent_since: float | None = None
        """Since when (monotonic) it has not answered, if it did not when it was last asked whether
        it is there."""

    # calls

    def ask(
        self, call: Callable[[APIClient], T], *, at_most: float = LONGEST,
        scope: Scope | None = None, discard: Callable[[T], None] | None = None,
    ) -> T:  # fmt: skip
        """The result of ``call``.

        ``discard`` gets a result that comes too late, after the wait was given up.

        Raises:
            EngineUnavailable: no connection, or no answer.
            EngineRefused, NotFound, PortTaken: the engine's answer.
            Cancelled, DeadlineExceeded: of the scope, if one is given.
        """
        if self._silent_since is not None:
            self.ping()
        future: Future[T] = Future()

        def work() -> None:
            try:
                with docker_errors(self.endpoint.address):
                    future.set_result(call(self._connected()))
            except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread
                future.set_exception(error)

        threading.Thread(target=work, name="engine", daemon=True).start()
        try:
            return self._await(future, at_most, scope)
        except BaseException:
            if discard is not None:
                future.add_done_callback(lambda done: done.exception() or discard(done.result()))
            raise

    def _await(self, future: Future[T], at_most: float, scope: Scope | None) -> T:
        started = asked = time.monotonic()
        while True:
            with contextlib.suppress(NotYet):
                return future.result(SLICE if scope else PATIENCE)
            if future.done():  # the call itself timed out
                return future.result()
            if scope is not None:
                scope.check()
            now = time.monotonic()
            if now - started > at_most:
                raise frozen(self.endpoint.address, now - started)
            if now - asked >= PATIENCE:
                self.ping()
                asked = time.monotonic()

    def ping(self) -> None:
        """Raises ``EngineUnavailable`` when the engine does not answer within seconds."""
        import requests

        limit = PING if self._silent_since is None else AGAIN
        with docker_errors(self.endpoint.address):
            try:
                api = self._connected()
                api.get(f"{api.base_url}/_ping", timeout=limit).raise_for_status()
            except requests.Timeout as error:
                raise self._frozen(limit) from error
        self._silent_since = None

    def _connected(self) -> APIClient:
        import requests

        with self._lock:
            if self._api is None:
                limit = PATIENCE if self._silent_since is None else AGAIN
                try:
                    self._api = _connect(self.endpoint, limit)
                except requests.Timeout as error:
                    raise self._frozen(limit) from error
            return self._api

    def _frozen(self, waited: float) -> EngineUnavailable:
        now = time.monotonic()
        self._silent_since = self._silent_since or now - waited
        return frozen(self.endpoint.address, now - self._silent_since)

    # streams

    @contextlib.contextmanager
    def stream(
        self, method: str, path: str, *, scope: Scope, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, json: Any = None, body: IO[bytes] | None = None,
    ) -> Iterator[Iterator[bytes]]:  # fmt: skip
        """Send a request; gives the chunks of the answer as they come.

        Ends when the scope does or the engine stops answering, also in the middle of a read.
        """
        response = self._send(method, path, scope, params, headers, json, body)
        with (
            contextlib.closing(response),
            guarded(lambda: _cut(response), scope, probe=self.ping) as guard,
        ):
            yield self._chunks(response, guard)

    def _chunks(self, response: Response, guard: Guard) -> Iterator[bytes]:
        try:
            with docker_errors(self.endpoint.address):
                for chunk in response.iter_content(chunk_size=None):
                    guard.check()
                    yield chunk
        except EngineUnavailable:
            guard.check()
            raise
        guard.check()  # a stream that was cut ends like any other

    def _send(
        self, method: str, path: str, scope: Scope, params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None, json: Any, body: IO[bytes] | None,
    ) -> Response:  # fmt: skip
        def send(api: APIClient) -> Response:
            response = api.request(
                method, f"{api.base_url}/v{api.api_version}{path}", params=params,
                headers=dict(headers or {}), json=json, data=body, stream=True,
                timeout=(PATIENCE, None),
            )  # fmt: skip
            if response.status_code >= 400:
                _refuse(response)
            return response

        def discard(response: Response) -> None:
            response.close()

        try:
            return self.ask(send, at_most=float("inf"), scope=scope, discard=discard)
        except BaseException:
            if body is not None:
                body.close()  # an upload that is under way ends at its next read
            raise


def _connect(endpoint: Endpoint, limit: float) -> APIClient:
    """A client that speaks a version of the API which both sides know; ``requests.Timeout`` when
    there is no answer in ``limit`` seconds."""
    api = _client(endpoint, API_VERSION)
    answer = api.get(f"{api.base_url}/v{API_VERSION}/_ping", timeout=limit)
    if answer.status_code == 400:  # older than that, or so new that it no longer speaks it
        api = _client(endpoint, answer.headers.get("Api-Version", API_VERSION))
    return api


def _client(endpoint: Endpoint, version: str) -> APIClient:
    """Does not connect yet."""
    import docker

    address, tls = endpoint.address, endpoint.tls
    ssh = address.startswith("ssh://")
    if tls is not None:
        address = address.replace("tcp://", "https://", 1)
    api = docker.APIClient(
        base_url="unix:///ssh" if ssh else address, version=version, timeout=int(LONGEST),
        tls=_tls(tls) if tls else False,
    )  # fmt: skip
    api.trust_env = False  # no proxy between us and the engine
    if ssh:
        from pipeline.adapters.docker.ssh import mount_ssh

        mount_ssh(api, address)
    return api


def _tls(tls: Tls) -> TLSConfig:
    from docker.tls import TLSConfig

    pair = (tls.cert, tls.key) if tls.cert and tls.key else None
    return TLSConfig(client_cert=pair, ca_cert=tls.ca, verify=tls.verify)


def _refuse(response: Response) -> None:
    """Raise as the SDK does for an answer that is an error."""
    import docker.errors
    import requests

    with contextlib.closing(response):
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            docker.errors.create_api_error_from_http_exception(error)


def _cut(response: Response) -> None:
    """End a read that another thread is blocked in."""
    with contextlib.suppress(OSError, ValueError):  # it has ended already
        response.raw.shutdown()
