"""The read side of the registry HTTP API v2."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.registry_auth import Challenge, basic, distrusted, parse_challenge
from pipeline.adapters.registry_http import CERTIFICATES, Answer, exchange, open_session, server
from pipeline.adapters.registry_manifest import ACCEPT, read_manifest
from pipeline.errors import RegistryDenied, Unusable
from pipeline.kit import references
from pipeline.kit.references import HUB, Reference
from pipeline.kit.retry import retry
from pipeline.kit.text import sanitize
from pipeline.ports import Clock
from pipeline.ports.registry import Auth, Manifest
from pipeline.scope import Scope

if TYPE_CHECKING:
    from requests import Session

PING_LIMIT = 3.0
"""Seconds."""
_TOKEN_LIFE = 60.0
"""Seconds, where the token's giver does not say."""
_Key = tuple[str, str, Auth | None]
"""Host, path and credentials: what an authorization is for."""


class HttpRegistry:
    """Implements ``pipeline.ports.Registry``. Thread-safe."""

    def __init__(self, clock: Clock | None = None, certificates: Path = CERTIFICATES) -> None:
        """``certificates`` is Docker's folder of authorities, one folder for each registry."""
        self._clock = clock or SystemClock()
        self._certificates = certificates
        self._lock = threading.Lock()
        self._authorized: dict[_Key, tuple[str, float]] = {}
        """(host, path, credentials) → ``Authorization`` header and when it ends (monotonic)."""

    def manifest(self, ref: str, auth: Auth | None, scope: Scope) -> Manifest | None:
        """Raises ``Unusable``, too, for an answer that makes no sense."""
        reference = references.parse(ref)
        if reference.tag is None and reference.digest is None:
            reference = reference.tagged("latest")
        return retry(lambda: self._manifest(reference, auth, scope), clock=self._clock, scope=scope)

    def ping(self, host: str, scope: Scope) -> bool:
        with open_session(host, self._certificates) as session:
            try:
                answer = exchange(session, "GET", f"{server(host)}/v2/", scope, limit=PING_LIMIT)
            except Unusable:
                return False
        is_v2 = "docker-distribution-api-version" in answer.headers
        challenged = answer.status == 401 and "www-authenticate" in answer.headers
        return challenged or (answer.status == 200 and is_v2)

    def _manifest(self, reference: Reference, auth: Auth | None, scope: Scope) -> Manifest | None:
        wanted = reference.digest or reference.tag
        url = f"{server(reference.host)}/v2/{reference.path}/manifests/{wanted}"
        with open_session(reference.host, self._certificates) as session:
            get = partial(exchange, session, "GET", url, scope, accept=ACCEPT)
            key = (reference.host, reference.path, auth)
            answer = get(authorization=self._known(key))
            if answer.status == 401:
                header = self._authorize(session, reference, auth, answer, scope)
                answer = get(authorization=header)
            if answer.status in (401, 403):
                self._forget(key)
                raise _denied(reference, auth, answer)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unusable(f"the registry {reference.host} answers {answer.words}")
        named = (reference.digest, answer.headers.get("docker-content-digest"))
        expected = tuple(digest for digest in named if digest)
        return read_manifest(
            answer.body, answer.headers.get("content-type", ""), expected, str(reference)
        )

    # authorization

    def _known(self, key: _Key) -> str | None:
        with self._lock:
            header, until = self._authorized.get(key, (None, 0.0))
        return header if time.monotonic() < until else None

    def _forget(self, key: _Key) -> None:
        with self._lock:
            self._authorized.pop(key, None)

    def _authorize(
        self, session: Session, reference: Reference, auth: Auth | None, refusal: Answer,
        scope: Scope,
    ) -> str:  # fmt: skip
        """The ``Authorization`` header that the registry's challenge asks for."""
        challenge = parse_challenge(refusal.headers.get("www-authenticate", ""))
        if challenge is not None and challenge.scheme == "bearer":
            header, life = self._token(session, challenge, reference, auth, scope)
        elif challenge is not None and auth is not None and auth.username:
            header, life = basic(auth), float("inf")
        else:
            raise _denied(reference, auth, refusal)
        with self._lock:
            key = (reference.host, reference.path, auth)
            self._authorized[key] = (header, time.monotonic() + life)
        return header

    def _token(
        self, session: Session, challenge: Challenge, reference: Reference, auth: Auth | None,
        scope: Scope,
    ) -> tuple[str, float]:  # fmt: skip
        """Fetch a token that may pull from this one repository; and how long it lasts, seconds."""
        host, realm = reference.host, challenge.realm
        if reason := distrusted(host, realm, secret=auth is not None):
            raise RegistryDenied(
                f"the registry {host} wants a token from {sanitize(realm)[:120]}: {reason}",
                hint="If that is right, ask the registry's operator for a realm of its own site.",
            )
        service = challenge.fields.get("service", "")
        grant = {"service": service, "scope": f"repository:{reference.path}:pull"}
        fetch = partial(exchange, session, url=realm, scope=scope)
        if auth is not None and auth.identity_token:
            grant |= {"grant_type": "refresh_token", "client_id": "dockcycle",
                      "refresh_token": auth.identity_token}  # fmt: skip
            answer = fetch("POST", form=grant)
        else:
            header = basic(auth) if auth is not None else None
            answer = fetch("GET", query=grant, authorization=header)
        if answer.status != 200:
            raise _denied(reference, auth, answer)
        return _token_of(answer, host)


def _token_of(answer: Answer, host: str) -> tuple[str, float]:
    try:
        said = json.loads(answer.body)
        token = said.get("token") or said["access_token"]
        life = float(said.get("expires_in") or _TOKEN_LIFE)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unusable(f"the registry {host} gave no token where it should") from None
    return f"Bearer {token}", life * 0.8  # not up to its last moment: clocks and lines differ


def _denied(reference: Reference, auth: Auth | None, answer: Answer) -> RegistryDenied:
    host = reference.host
    login = "docker login" if host == HUB else f"docker login {host}"
    if auth is None:
        who, hint = "anyone without credentials", f"`{login}`, or name a secret as password."
    else:
        who = f"{auth.username or 'the account'} (from {auth.source})"
        hint = f"`{login}` with an account that may do this, or correct the {auth.source}."
    return RegistryDenied(
        f"the registry {host} denies {who} access to {reference}: {answer.words}", hint=hint
    )
