"""``POST /hooks/PROJECT``: a delivery is read, checked, kept, and only then accepted."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from pipeline.errors import StoreUnusable
from pipeline.kit.text import sanitize
from pipeline.server.config import SenderKind, ServedProject
from pipeline.server.inbox import Inbox
from pipeline.server.queue import Delivery, Receipt
from pipeline.server.senders import Call, NotUnderstood, Sender, sender_of
from pipeline.server.wishes import Verdict, decide
from pipeline.stage import Secrets

LARGEST = 25 * 1024 * 1024
"""Bytes of a body: what GitHub sends at most."""
LARGE = 256 * 1024
"""Bytes from which on a body is looked at in a thread, and only a few of them at a time."""
LARGE_ONES = 4
READ_LIMIT = 30.0
"""Seconds for a body to arrive."""
KEEP_LIMIT = 15.0
"""Seconds for a delivery to get to the disk."""


class _Refused(Exception):
    """What a sender is told instead of being accepted."""

    def __init__(self, status: int, counted: str, message: str) -> None:
        super().__init__(message)
        self.status, self.counted, self.message = status, counted, message


class Hooks:
    """The endpoint; ``counts`` says how many deliveries came to what, by project and outcome."""

    def __init__(self, projects: dict[str, ServedProject], secrets: Secrets, inbox: Inbox) -> None:
        self._projects = projects
        self._secrets = secrets
        self._inbox = inbox
        self._large = asyncio.Semaphore(LARGE_ONES)
        self.counts: Counter[tuple[str, str]] = Counter()

    async def __call__(self, request: Request) -> Response:
        """202 accepted; 200 for a ping, a repetition, or nothing to do; 401, 404, 408, 413, 400
        and 503 for what was not."""
        name = str(request.path_params["project"])
        project = self._projects.get(name)
        if project is None:
            return JSONResponse({"status": "refused", "reason": "no such project"}, 404)
        try:
            outcome, answer = await self._receive(request, project)
        except _Refused as error:
            outcome = error.counted
            body = {"status": "refused", "reason": error.message}
            answer = JSONResponse(body, error.status)
        self.counts[name, outcome] += 1
        return answer

    async def _receive(self, request: Request, project: ServedProject) -> tuple[str, Response]:
        if int_of(request.headers.get("content-length")) > LARGEST:
            raise _too_large()
        chunks: list[bytes] = []
        held = False
        try:
            async with asyncio.timeout(READ_LIMIT):
                size = 0
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > LARGEST:
                        raise _too_large()
                    if size > LARGE and not held:
                        await self._large.acquire()
                        held = True
                    chunks.append(chunk)
            return await self._judge(request, project, b"".join(chunks), large=held)
        except TimeoutError:
            raise _Refused(408, "slow", "the body took too long to arrive") from None
        except ClientDisconnect:
            raise _Refused(400, "broken", "the sender hung up") from None
        finally:
            if held:
                self._large.release()

    async def _judge(
        self, request: Request, project: ServedProject, body: bytes, *, large: bool
    ) -> tuple[str, Response]:
        call = Call(dict(request.headers), body, dict(request.query_params))
        if large:
            delivery = await to_thread.run_sync(self._read, project, call)
        else:
            delivery = self._read(project, call)
        if delivery is None:
            return "ping", JSONResponse({"status": "pong"})
        receipt = await self._kept(delivery)
        return _answer(receipt)

    def _read(self, project: ServedProject, call: Call) -> Delivery | None:
        """What a call says, once it is known to be genuine; None for a ping."""
        kind, sender = self._genuine(project, call)
        try:
            meaning = sender.read(call)
        except NotUnderstood as error:
            raise _Refused(400, "malformed", str(error)) from error
        if meaning.ping:
            return None
        verdict: Verdict = decide(project, meaning)
        key = sender.key(call)[:200] or hashlib.sha256(call.body).hexdigest()
        return Delivery(
            project.name, f"{kind}:{key}", kind, _plain(meaning.what), verdict.wishes,
            _plain(verdict.reason),
        )  # fmt: skip

    def _genuine(self, project: ServedProject, call: Call) -> tuple[SenderKind, Sender]:
        found = sender_of(call, project.sender)
        if found is None or not found[1].genuine(call, self._secrets.get(project.secret)):
            raise _Refused(401, "unsigned", "the signature is missing or wrong")
        return found

    async def _kept(self, delivery: Delivery) -> Receipt:
        try:
            future = self._inbox.put(delivery)
            async with asyncio.timeout(KEEP_LIMIT):
                return await asyncio.wrap_future(future)
        except (StoreUnusable, TimeoutError):
            raise _Refused(503, "unkept", "the delivery could not be kept; send it again") from None


def _plain(text: str) -> str:
    """Short, and without what no terminal, page or database should get."""
    return sanitize(text)[:300]


def _answer(receipt: Receipt) -> tuple[str, Response]:
    if receipt.verdict == "queued":
        return "queued", JSONResponse({"status": "queued", "job": receipt.job}, 202)
    if receipt.verdict == "duplicate":
        return "duplicate", JSONResponse({"status": "duplicate", "job": receipt.job})
    return "ignored", JSONResponse({"status": "ignored", "reason": receipt.verdict})


def _too_large() -> _Refused:
    return _Refused(413, "too-large", f"more than {LARGEST // 1024**2} MiB")


def int_of(text: str | None) -> int:
    """A number in a header; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else 0
