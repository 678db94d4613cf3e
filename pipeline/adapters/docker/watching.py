"""What happens to containers, as the engine tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from pipeline.adapters.docker import mapping
from pipeline.adapters.docker.client import Client
from pipeline.adapters.lines import LineSplitter
from pipeline.errors import EngineUnavailable
from pipeline.ports.engine import ContainerEvent, Happening
from pipeline.scope import Scope

_HEALTH = "health_status"
_NOT_LABELS = frozenset({"image", "name", "exitCode", "signal", "execDuration", "oldName"})
"""What the engine itself puts beside a container's labels."""
LONGEST = 1024 * 1024
"""Bytes of one event; labels may hold much."""


class Watching:
    """The part of the engine port about events."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def events(
        self, labels: Mapping[str, str], *, since: float | None = None, scope: Scope
    ) -> Iterator[ContainerEvent]:
        """See ``pipeline.ports.Engine``."""
        lines = LineSplitter(LONGEST)
        with self._client.stream("GET", "/events", params=_query(labels, since), scope=scope) as (
            chunks
        ):
            for chunk in chunks:
                for line in lines.feed(chunk):
                    if line and (event := container_event(json.loads(line))):
                        yield event
        raise EngineUnavailable(
            f"the Docker engine at {self._client.endpoint.address} went away",
            hint="See whether it runs: `docker info`; its log: `journalctl -u docker`.",
        )


def container_event(message: Mapping[str, Any]) -> ContainerEvent | None:
    """From a message of ``GET /events``; None for what the port does not know."""
    action, _, status = str(message["Action"]).partition(": ")
    what = status if action == _HEALTH else action
    if what not in get_args(Happening):
        return None
    actor = message["Actor"]
    attributes: Mapping[str, str] = actor.get("Attributes") or {}
    code = attributes.get("exitCode") if what == "die" else None
    return ContainerEvent(
        what=cast("Happening", what),
        container=actor["ID"],
        name=attributes.get("name", ""),
        labels={key: text for key, text in attributes.items() if key not in _NOT_LABELS},
        at=message["timeNano"] / 1e9,
        exit_code=int(code) if code else None,
    )


def _query(labels: Mapping[str, str], since: float | None) -> dict[str, str]:
    known = [name for name in get_args(Happening) if not name.endswith("healthy")]
    filters = {
        "type": ["container"],
        "event": [*known, _HEALTH],
        "label": mapping.label_filter(labels),
    }
    query = {"filters": json.dumps(filters)}
    return query if since is None else {**query, "since": f"{since:.9f}"}
