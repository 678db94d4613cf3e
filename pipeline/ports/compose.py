"""Docker Compose as stages see it: a resolver of the user's files, and ``up``/``down`` of data.

A *model* is what ``docker compose config --format json`` prints, as a plain mapping. What the run
stage starts is always a model, never the user's files: see ``pipeline.kit.compose_model``.
Compose's containers are looked at through the ``Engine`` port, by Compose's own labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.ports.engine import OnLine
from pipeline.scope import Scope

Model = Mapping[str, Any]


class Compose(Protocol):
    def resolve(
        self, files: Sequence[str], *, directory: str, project: str,
        profiles: Sequence[str] = (), env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None, on_line: OnLine | None = None, scope: Scope,
    ) -> Model:  # fmt: skip
        """The user's files, merged, interpolated and with absolute paths.

        ``environment`` is added to the process's own for ``${…}``. ``on_line`` takes Compose's
        warnings, such as a variable that is not set.

        Raises:
            ConfigError: Compose refuses the files; its message, with file and line if it gives one.
            EngineUnavailable: the compose plugin is missing.
        """

    def up(
        self, model: Model, *, project: str, services: Sequence[str] = (), pull: bool = True,
        remove_orphans: bool = False, recreate: bool = False, on_line: OnLine, scope: Scope,
        count: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Create and start, detached, without building and without waiting for health.

        ``count`` has services and how many containers each is to have: the missing ones are started
        beside those that are there, which stay as they are, and so does every other service.

        ``depends_on`` conditions are honoured by Compose itself. A one-shot that ended well is
        not an error; one that failed is.

        Raises:
            StageFailed: a service could not be started; ``detail`` has Compose's last lines.
            PortTaken: a host port is in use.
        """

    def stop(
        self, model: Model, *, project: str, services: Sequence[str] = (), on_line: OnLine,
        scope: Scope,
    ) -> None: ...  # fmt: skip

    def down(
        self, model: Model | None, *, project: str, volumes: bool, on_line: OnLine, scope: Scope
    ) -> None:
        """Remove containers and networks of the project (and its own volumes). Idempotent."""
