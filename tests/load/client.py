"""Many HTTP requests over connections that are kept, each one timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 60.0
"""Seconds for one answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float


async def post_all(
    address: tuple[str, int], requests: Iterable[bytes], connections: int, within: float = 0.0
) -> list[Answer]:
    """Send whole requests, in order, by whichever connection is free; with ``within`` not all at
    once, but one every so many seconds."""
    waiting = iter(enumerate(requests))
    answers: list[Answer] = []
    begun = time.monotonic()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(*address)
        try:
            for number, request in waiting:
                started = time.perf_counter()
                writer.write(request)
                status = await asyncio.wait_for(_answer(reader), LIMIT)
                answers.append(Answer(status, time.perf_counter() - started))
                await asyncio.sleep(max(0.0, begun + (number + 1) * within - time.monotonic()))
        finally:
            writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return answers


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    length = next(int(s.partition(":")[2]) for s in lines if s.lower().startswith("content-length"))
    await reader.readexactly(length)
    return int(status.split(" ")[1])
