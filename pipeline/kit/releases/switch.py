"""How a release of one kind is brought up, taken down and looked at."""

from __future__ import annotations

from typing import Protocol

from pipeline.artifacts import App, Release
from pipeline.kit.front import Front
from pipeline.ports.engine import ContainerInfo


class Switch(Protocol):
    """One kind of release (single container, Compose project) on a site.

    Every method is idempotent, and none of them touches the ledger: what is in force is decided by
    ``golive`` alone.
    """

    def check(self, release: Release, old: Release | None) -> None:
        """Could ``release`` take over from ``old``? Changes nothing.

        Raises:
            NotFound: an image of it is gone.
            PortTaken: a port that it wants is held by something else than ``old``.
        """

    def prepare(self, release: Release) -> None:
        """Do whatever can be done while the old one still serves."""

    def clear(self, release: Release) -> None:
        """Remove what an attempt at ``release`` left that died before it came into force."""

    def start(self, release: Release) -> None:
        """Make it run, and come back with the engine as its own policy says."""

    def stop(self, release: Release) -> None:
        """Make it not run, in a way that an engine restart does not undo."""

    def retire(self, release: Release) -> None:
        """Make it not run, now that a release of its kind is in force in its place: what they
        share stays."""

    def try_out(self, release: Release) -> None:
        """Make it run while it is not in force yet: it does not come back with the engine."""

    def give_way(self, release: Release) -> None:
        """Make it not run while it is still in force: it comes back with the engine."""

    def look(self, release: Release) -> App:
        """Where it is reached, whether it is up yet or not.

        Raises:
            StageFailed: there is nothing of it.
        """

    def wait(self, release: Release) -> App:
        """Wait until it is up: healthy where it has a health check, else running and listening.

        Raises:
            StageFailed: it does not come up; ``detail`` has its last log lines.
        """

    def is_up(self, release: Release) -> bool:
        """Does it run as recorded, now, and can it be reached?"""

    def runs(self, release: Release) -> bool:
        """Does anything of it run, well or not?"""

    def remove(self, release: Release) -> None:
        """Remove its containers and networks; named volumes stay."""


class Fronted(Switch, Protocol):
    """One kind of release behind a front."""

    def front(self, release: Release) -> Front:
        """The front that the release is to be reached by."""

    def name(self, release: Release) -> str:
        """Of the container that the front leads to."""

    def container(self, release: Release) -> ContainerInfo | None:
        """That container, if it is there."""

    def stop_behind(self, release: Release) -> None:
        """As ``stop``, but the front stays, for who is behind it now."""

    def beside(self, release: Release, old: Release) -> None:
        """Run it next to ``old``, which is live; nobody is sent to it yet. It comes back with the
        engine, as the front may lead to it before it is in force."""
