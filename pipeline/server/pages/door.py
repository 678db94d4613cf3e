"""Who may act: a token, and a signed session for those who have shown it to the page."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer, TimestampSigner
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "dockcycle_session"
SESSION = 12 * 3600
"""Seconds that a session is good for."""
WINDOW = 60.0
TRIES = 5
"""Wrong tokens of one client within ``WINDOW`` seconds."""


class TooManyTries(Exception):
    """A client has shown too many wrong tokens; ``wait`` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__("too many wrong tokens")
        self.wait = wait


@dataclass(frozen=True)
class Session:
    """Someone who has shown the token. ``csrf`` belongs into every form of theirs."""

    csrf: str


class Door:
    """Checks tokens and sessions; without a token nobody may act.

    The key of sessions is made from the token: a new token ends all sessions, a restart none.
    """

    def __init__(self, token: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = token.encode() if token else None
        key = hashlib.sha256(b"dockcycle session\0" + (self._token or secrets.token_bytes(32)))
        self._sessions = TimestampSigner(
            key.digest(),
            salt="dockcycle.session",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )
        self._forms = Signer(
            key.digest(), salt="dockcycle.form", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._failures = _Failures(clock)

    @property
    def exists(self) -> bool:
        """Can anyone act here?"""
        return self._token is not None

    def accepts(self, token: str, client: str) -> bool:
        """Is it the token? In constant time; a wrong one counts against the client.

        Raises:
            TooManyTries: the client must wait before its token is looked at.
        """
        self._failures.check(client)
        given = token.encode("utf-8", "surrogateescape")
        good = self._token is not None and hmac.compare_digest(
            hashlib.sha256(given).digest(), hashlib.sha256(self._token).digest()
        )
        if not good:
            self._failures.add(client)
        return good

    def bearer(self, request: Request) -> bool | None:
        """Does the request carry the token in its ``Authorization``? None: it carries none.

        Raises:
            TooManyTries: as ``accepts``.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self.accepts(token.strip(), client_of(request))

    def let_in(self, response: Response, *, secure: bool) -> None:
        """Give a session to who has shown the token."""
        value = self._sessions.sign(secrets.token_urlsafe(16)).decode()
        response.set_cookie(
            COOKIE, value, max_age=SESSION, httponly=True, samesite="strict", secure=secure
        )

    def session(self, request: Request) -> Session | None:
        """The session that the request carries, if it is a good one."""
        if self._token is None or not (value := request.cookies.get(COOKIE)):
            return None
        try:
            nonce = self._sessions.unsign(value, max_age=SESSION)
        except BadSignature:
            return None
        return Session(self._forms.get_signature(nonce).decode())

    def own_form(self, request: Request, session: Session, csrf: str) -> bool:
        """Does a form come from a page of ours, made for this session?"""
        return same_site(request) and hmac.compare_digest(
            csrf.encode("utf-8", "surrogateescape"), session.csrf.encode()
        )


def same_site(request: Request) -> bool:
    """What the browser says of where a form stood; those that say nothing are not refused."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


class _Failures:
    """When which client showed a wrong token."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: dict[str, deque[float]] = {}

    def check(self, client: str) -> None:
        times = self._of.get(client)
        if times and len(times) == TRIES and (wait := times[0] + WINDOW - self._clock()) > 0:
            raise TooManyTries(wait)

    def add(self, client: str) -> None:
        now = self._clock()
        self._of = {name: times for name, times in self._of.items() if times[-1] + WINDOW > now}
        self._of.setdefault(client, deque(maxlen=TRIES)).append(now)
