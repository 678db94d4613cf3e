"""One client at a time for a project on an engine, wherever the clients are.

The lock file of the state directory holds for one machine; CI and a colleague's laptop have others.
What all of them share is the engine, so the lock is an empty, labelled volume there: making one is
atomic by its name. A holder that dies cannot remove it, so it is only leased: the holder makes the
next one, with the next number, every few seconds. Who sees the same number for longer than the
lease, by a clock of his own, knows that its holder is gone and takes the next number himself. No
two clocks are ever compared, and no image, container or connection is needed.

Who has taken a number looks once more: of two that took different ones at once, each of which has
looked after it had made its own, at least one sees the other and steps back.
"""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DockcycleError, EngineRefused, Locked
from pipeline.kit.labels import CLIENT, labels, select
from pipeline.ports import Clock, Engine
from pipeline.scope import Scope

LEASE = 20.0
"""Seconds after which one that is not renewed counts as left by the dead."""
RENEW = 4.0
"""Seconds between two renewals."""
POLL = 0.5
NUMBER, NONCE, WHAT, SINCE = (f"dockcycle.{key}" for key in ("number", "nonce", "what", "since"))


@dataclass(frozen=True)
class Holder:
    """Who has the lock."""

    number: int
    nonce: str
    client: str
    what: str
    since: str
    """When it was taken, for people."""

    def __str__(self) -> str:
        return f"{self.what} (another client of this engine, since {self.since})"


class Lease:
    """The lock of one project on one engine, as one client sees it. Keep it for as long as you
    look: that a holder is dead shows only in time."""

    def __init__(self, engine: Engine, project: str, client: str, clock: Clock) -> None:
        self._engine = engine
        self._project = project
        self._client = f"{client}@{_machine()}"
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        """Of each nonce the newest number, and since when, by our clock, it is that."""
        self._alive: set[str] = set()
        """Nonces that were seen to be renewed."""

    def holder(self) -> Holder | None:
        """Who has it now, as far as is known: one that died is still named for a while."""
        return next((one for one in reversed(self._look()) if not self._is_dead(one)), None)

    @contextmanager
    def hold(
        self, what: str, *, wait: float, scope: Scope,
        on_wait: Callable[[Holder], None] = lambda holder: None,
    ) -> Iterator[Scope]:  # fmt: skip
        """Hold it for the block, for which there is a scope: it ends when the lock is lost, because
        the engine could not be reached for too long.

        A lease of our own client is one that a dead process left: the caller has the project's lock
        on this machine.

        Raises:
            Locked: it is still held after ``wait`` seconds, or as many more as it takes to see that
                its holder lives; or it was lost.
        """
        mine = self._acquire(what, wait, scope, on_wait)
        inner, over = scope.child(), threading.Event()
        keeper = threading.Thread(
            target=self._keep, args=(mine, inner, over), name="lease", daemon=True
        )
        keeper.start()
        try:
            yield inner
        finally:
            over.set()
            keeper.join(LEASE)
            self._give_back(mine.nonce)

    # taking it

    def _acquire(
        self, what: str, wait: float, scope: Scope, on_wait: Callable[[Holder], None]
    ) -> Holder:
        since = f"{self._clock.now().astimezone():%H:%M:%S}"
        end, told = self._clock.monotonic() + wait, False
        while True:
            scope.check()
            there = self._look()
            living = [one for one in there if not self._is_dead(one)]
            if not living and (mine := self._take(what, since, there)):
                return mine
            if living and not told:
                on_wait(living[-1])
                told = True
            unsure = living and living[-1].nonce not in self._alive
            if self._clock.monotonic() >= end and not unsure:
                who = living[-1] if living else "others who want it too"
                raise Locked(
                    f"{self._project} is being worked on: {who}",
                    hint="Wait for it, or give --wait SECONDS to wait here.",
                )
            self._clock.sleep(POLL * (1 + secrets.randbelow(100) / 100), scope)

    def _take(self, what: str, since: str, dead: list[Holder]) -> Holder | None:
        """None when another was quicker."""
        number = max((one.number for one in dead), default=0) + 1
        mine = Holder(number, secrets.token_hex(8), self._client, what, since)
        if not self._make(mine):
            return None
        others = {one.nonce for one in self._all()} - {mine.nonce, *(one.nonce for one in dead)}
        if others:
            self._give_back(mine.nonce)
            return None
        for one in dead:
            self._remove(one)
        return mine

    def _look(self) -> list[Holder]:
        """By number; who is seen for the first time, or has been renewed, is noted."""
        there, now = self._all(), self._clock.monotonic()
        newest = {one.nonce: one.number for one in there}
        self._alive |= {n for n, at in self._seen.items() if newest.get(n, 0) > at[0]}
        known = self._seen
        self._seen = {
            nonce: known[nonce] if nonce in known and known[nonce][0] == number else (number, now)
            for nonce, number in newest.items()
        }
        return there

    def _is_dead(self, holder: Holder) -> bool:
        """``_look`` has just been called."""
        if holder.client == self._client:
            return True
        return self._clock.monotonic() - self._seen[holder.nonce][1] > LEASE

    # keeping it

    def _keep(self, mine: Holder, scope: Scope, over: threading.Event) -> None:
        """Renew it until the block is over. In a thread."""
        renewed = self._clock.monotonic()
        while not over.wait(RENEW):
            asked = self._clock.monotonic()
            try:
                following = self._renew(mine)
            except DockcycleError:
                following = mine if asked - renewed < LEASE - 2 * RENEW else None
            else:
                renewed = asked
            if following is None:
                scope.cancel(
                    Locked(
                        f"{self._project} was taken over by another client of the engine, which had"
                        f" heard nothing of this one for {LEASE:g} s",
                        hint="See what is live: `dockcycle status`.",
                    )
                )
                return
            mine = following

    def _renew(self, mine: Holder) -> Holder | None:
        """The lease with the next number; None when somebody else has that."""
        following = Holder(mine.number + 1, mine.nonce, mine.client, mine.what, mine.since)
        if not self._make(following):
            return None
        self._remove(mine)
        return following

    def _give_back(self, nonce: str) -> None:
        with suppress(DockcycleError):  # then it ends by itself
            for one in self._all():
                if one.nonce == nonce:
                    self._remove(one)

    # volumes

    def _all(self) -> list[Holder]:
        """By number."""
        found = self._engine.volumes(select(self._project, "lock"))
        return sorted(
            (holder for volume in found if (holder := _parse(volume.labels))),
            key=lambda one: one.number,
        )

    def _make(self, holder: Holder) -> bool:
        """Is that number ours now?"""
        marks = labels(self._project, "lock", client=holder.client) | {
            NUMBER: str(holder.number), NONCE: holder.nonce, WHAT: holder.what, SINCE: holder.since,
        }  # fmt: skip
        made = self._engine.create_volume(self._name(holder.number), marks)
        return made.labels.get(NONCE) == holder.nonce

    def _remove(self, holder: Holder) -> None:
        try:
            self._engine.remove_volume(self._name(holder.number))
        except EngineRefused:
            return  # somebody mounts it by hand; it is dead all the same in a while

    def _name(self, number: int) -> str:
        return f"dockcycle-lock.{self._project}.{number:06d}"


def _parse(known: Mapping[str, str]) -> Holder | None:
    """None for what is none of ours."""
    number = known.get(NUMBER, "")
    if not number.isdigit():
        return None
    return Holder(
        int(number), known.get(NONCE, ""), known.get(CLIENT, ""), known.get(WHAT, ""),
        known.get(SINCE, ""),
    )  # fmt: skip


@functools.cache
def _machine() -> str:
    """Tells machines apart that have got the same state directory, such as by a cache of CI's."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return ""
