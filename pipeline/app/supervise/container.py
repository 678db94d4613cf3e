"""A supervisor in a container of the engine that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline import __version__
from pipeline.errors import DockcycleError, EngineRefused, NotFound, Unusable
from pipeline.kit import env_files, references
from pipeline.kit.readiness import last_lines
from pipeline.kit.supervision import KEEPS
from pipeline.kit.supervision.box import NAME, OURS, Box
from pipeline.ports import Clock, Credentials, Engine, Journal
from pipeline.ports.engine import ImageInfo
from pipeline.scope import Scope

IMAGE = f"ghcr.io/dockcycle/dockcycle:{__version__}"
"""What it is started from, unless another one is named."""
READY_LIMIT = 60.0
"""Seconds until it says that it keeps the releases."""
_NEXT = f"{NAME}-next"
"""The name of one that has not yet taken the place of the one before it."""


@dataclass(frozen=True)
class Installation:
    """Puts the supervisor's container on an engine."""

    engine: Engine
    credentials: Credentials
    clock: Clock
    journal: Journal
    tell: Callable[[str], None]

    def install(self, box: Box, image: str, scope: Scope) -> None:
        """Start it, in the place of the one that is there. Idempotent.

        Raises:
            Unusable: its image cannot be had, or it does not come to work.
            EngineRefused: its name is taken, or the engine's socket is not where it should be.
        """
        self._require_name()
        found = self._image(image, scope)
        with self.journal.effect("volume", NAME):
            self.engine.create_volume(NAME, OURS)
        with self.journal.effect("container", NAME):
            made = self._replace(box, found)
        self._await(made, scope)
        self.tell(f"`docker logs -f {NAME}` shows it, `docker rm -f {NAME}` ends it for good")

    def _require_name(self) -> None:
        found = self.engine.inspect(NAME)
        if found is not None and not OURS.items() <= found.labels.items():
            raise EngineRefused(
                f"a container that dockcycle did not make is called {NAME}",
                hint=f"Remove or rename it: `docker rename {NAME} NEW`.",
            )

    def _image(self, name: str, scope: Scope) -> ImageInfo:
        if (found := self.engine.image(name)) is not None:
            return found
        reference = references.parse(name)
        self.tell(f"pulling {name}")
        try:
            auth = self.credentials.lookup(reference.host)
            with self.journal.effect("pull", name):
                return self.engine.pull(str(reference), auth, lambda line: None, scope)
        except (NotFound, Unusable) as error:
            raise Unusable(
                f"the image {name} cannot be had: {error.message}",
                hint=f"In a checkout of dockcycle `docker build -t {name} .` makes it; or name "
                "another one with --image.",
            ) from error

    def _replace(self, box: Box, image: ImageInfo) -> str:
        """The id of the new one. What the engine refuses in it leaves the old one as it is."""
        self.engine.remove(_NEXT)
        made = self.engine.create(box.spec(image, _NEXT))
        for old in self.engine.containers(OURS):
            if old.id != made:
                self.engine.stop(old.id)  # it ends what it is at
                self.engine.remove(old.id)
                self.tell(f"removed the container {old.name}")
        self.engine.rename(made, NAME)
        try:
            self.engine.start(made)
        except DockcycleError:
            self.engine.remove(made)
            raise
        self.tell(f"started the container {NAME}")
        return made

    def _await(self, container: str, scope: Scope) -> None:
        """Until it says that it is at work."""
        end = self.clock.monotonic() + READY_LIMIT
        while not self._works(container):
            info = self.engine.inspect(container)
            failed = info is None or not info.running or info.restarts > 0
            if not failed and self.clock.monotonic() < end:
                self.clock.sleep(0.2, scope)
                continue
            said = last_lines(self.engine, container) if info else ""
            if failed:  # the engine would start it again for ever
                self.engine.remove(container)
            raise Unusable(
                f"the supervisor in {NAME} did not start and was removed"
                if failed else f"the supervisor in {NAME} does not say that it works",
                hint="" if failed else f"See `docker logs -f {NAME}`.",
                detail=said,
            )  # fmt: skip

    def _works(self, container: str) -> bool:
        lines = self.engine.logs(container, scope=Scope(READY_LIMIT, what=f"the log of {NAME}"))
        return any(KEEPS in line for line in lines)


def values(file: Path) -> dict[str, str]:
    """Of the secrets in ``file``, which need not be there.

    Raises:
        ConfigError: it cannot be read, or a line of it is no variable.
    """
    return env_files.read([str(file)], Path("/"), {}, key="") if is_there(file) else {}


def is_there(file: Path) -> bool:
    """Also when it is not to be seen by this user, so that its values do not get lost silently."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
