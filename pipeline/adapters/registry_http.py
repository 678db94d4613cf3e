"""One exchange with a registry over requests: bounded, cancellable, failures in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters.registry_manifest import LARGEST
from pipeline.adapters.waiting import in_thread
from pipeline.errors import RegistryUnavailable, Unusable
from pipeline.kit.references import HUB, is_loopback
from pipeline.kit.text import sanitize
from pipeline.scope import Scope

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

LIMIT = 30.0
"""Seconds for one exchange."""
MAX_REDIRECTS = 5
CERTIFICATES = Path("/etc/docker/certs.d")
"""Docker's folder of authorities, one folder for each registry."""
_HUB_SERVER = "registry-1.docker.io"
_REACH = "See whether it runs and can be reached from here."


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def words(self) -> str:
        """The status, and what the registry says to it."""
        try:
            said = json.loads(self.body)
            errors = said.get("errors") or [{"message": said.get("details") or said["message"]}]
            text = "; ".join(str(error.get("message") or error.get("code")) for error in errors)
        except (ValueError, TypeError, KeyError, AttributeError):
            text = ""
        return f"{self.status} ({sanitize(text)[:200]})" if text else str(self.status)


def server(host: str) -> str:
    """Where the API of a registry is; plain HTTP on this machine only, as Docker has it."""
    if host == HUB:
        return f"https://{_HUB_SERVER}"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


def open_session(host: str, certificates: Path) -> Session:
    """For a few exchanges with one registry, one after the other."""
    import requests

    session = requests.Session()
    session.max_redirects = MAX_REDIRECTS
    session.trust_env = not is_loopback(host)  # no proxy leads to this machine
    authority = certificates / host / "ca.crt"
    if authority.is_file():
        session.verify = str(authority)
    return session


def exchange(
    session: Session, method: str, url: str, scope: Scope, *, limit: float = LIMIT,
    accept: str = "application/json", authorization: str | None = None,
    query: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Ask once. ``limit`` is for all of it, in seconds.

    Raises:
        RegistryUnavailable: no answer, 429 or 5xx.
        Unusable: the server's certificate is not trusted.
        Cancelled, DeadlineExceeded: the scope's end.
    """

    def authorize(request: PreparedRequest) -> PreparedRequest:
        # As a header of its own, requests would replace it by what ~/.netrc says.
        if authorization:
            request.headers["Authorization"] = authorization
        return request

    def ask() -> Answer:
        with session.request(
            method, url, params=query, data=form, headers={"Accept": accept}, auth=authorize,
            timeout=limit, stream=True,
        ) as response:  # fmt: skip
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, _body(response))

    answer = _in_plain_words(ask, url, scope, limit)
    if answer.status == 429 or answer.status >= 500:
        raise RegistryUnavailable(
            f"the registry at {_place(url)} answers {answer.words}",
            hint="It is overloaded or broken, or limits how often it is asked; try later.",
            retry_after=retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC)),
        )
    return answer


def retry_after(header: str, now: datetime) -> float | None:
    """Seconds of a ``Retry-After`` header, which has seconds or a date; None without."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _in_plain_words(ask: Any, url: str, scope: Scope, limit: float) -> Answer:
    import requests

    at = _place(url)
    try:
        answer: Answer = in_thread(ask, scope, limit=limit)
    except requests.exceptions.SSLError as error:
        raise Unusable(
            f"no protected connection to the registry at {at}",
            hint=f"If it has a certificate of your own authority, put that into "
            f"{CERTIFICATES}/{at}/ca.crt, as for Docker.",
            detail=str(error),
        ) from error
    except (TimeoutError, requests.Timeout) as error:
        raise RegistryUnavailable(
            f"the registry at {at} did not answer within {limit:g} s", hint=_REACH
        ) from error
    except requests.ConnectionError as error:
        raise RegistryUnavailable(
            f"the registry at {at} cannot be reached, or dropped the connection",
            hint=_REACH, detail=str(error),
        ) from error  # fmt: skip
    except (requests.RequestException, ValueError) as error:
        raise RegistryUnavailable(
            f"the exchange with the registry at {at} broke off", hint=_REACH, detail=str(error)
        ) from error
    return answer


def _body(response: Response) -> bytes:
    body = b""
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > LARGEST:
            raise ValueError(f"an answer of more than {LARGEST} bytes")
    return body


def _place(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
