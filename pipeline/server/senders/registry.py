"""Registries: a base image was pushed.

They sign nothing. The registry of the Distribution project and Harbor send a header that is set
there (``Authorization: Bearer SECRET``); Docker Hub can only be given a URL, so the secret is in
its query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.server.senders.call import Call, Image, Meaning, NotUnderstood, find, get, same

_HUB = ("", "docker.io/")
"""How images of Docker Hub may be written."""


class Registry:
    def recognises(self, call: Call) -> bool:
        return bool(call.header("authorization") or call.query.get("secret"))

    def genuine(self, call: Call, secret: str) -> bool:
        given = call.header("authorization").removeprefix("Bearer ")
        return same(given or call.query.get("secret", ""), secret)

    def key(self, call: Call) -> str:
        return ""

    def read(self, call: Call) -> Meaning:
        data = call.payload()
        if isinstance(data.get("events"), list):
            images = tuple(_distribution(data["events"]))
        elif "push_data" in data:
            images = (_hub(data),)
        elif isinstance(data.get("event_data"), dict):
            images = tuple(_harbor(data))
        else:
            raise NotUnderstood("this is no notification of a registry that is known here")
        return Meaning("push of " + (", ".join(i.names[-1] for i in images) or "nothing"), images)


def _distribution(events: list[Any]) -> Iterator[Image]:
    for event in events:
        if get(event, "action") != "push" or not find(event, "target", "tag"):
            continue  # pulls, and layers
        name = f"{get(event, 'target', 'repository')}:{get(event, 'target', 'tag')}"
        host = find(event, "request", "host")
        yield Image((name, f"{host}/{name}") if isinstance(host, str) and host else (name,))


def _hub(data: dict[str, Any]) -> Image:
    name = f"{get(data, 'repository', 'repo_name')}:{get(data, 'push_data', 'tag')}"
    short = name.removeprefix("library/")
    return Image(tuple(prefix + one for prefix in _HUB for one in dict.fromkeys((name, short))))


def _harbor(data: dict[str, Any]) -> Iterator[Image]:
    if data.get("type") != "PUSH_ARTIFACT":
        return
    for resource in get(data, "event_data", "resources", of=list):
        url = get(resource, "resource_url")
        yield Image((url.partition("/")[2], url))
