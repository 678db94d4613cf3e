"""Bitbucket, Cloud and Data Center: https://support.atlassian.com/bitbucket-cloud/docs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.server.senders.call import Call, Meaning, Push, find, get, signed

PUSHES = ("repo:push", "repo:refs_changed")


class Bitbucket:
    def recognises(self, call: Call) -> bool:
        return bool(call.header("x-event-key"))

    def genuine(self, call: Call, secret: str) -> bool:
        given = call.header("x-hub-signature")
        return given.startswith("sha256=") and signed(call, secret, given.removeprefix("sha256="))

    def key(self, call: Call) -> str:
        return call.header("x-request-uuid") or call.header("x-request-id")

    def read(self, call: Call) -> Meaning:
        event = call.header("x-event-key")
        if event == "diagnostics:ping":
            return Meaning("ping", ping=True)
        if event not in PUSHES:
            return Meaning(f"event {event}")
        data = call.payload()
        if event == "repo:push":
            pushes = tuple(_cloud(get(data, "push", "changes", of=list)))
        else:
            pushes = tuple(_data_center(get(data, "changes", of=list)))
        return Meaning("push to " + (", ".join(push.ref for push in pushes) or "nothing"), pushes)


def _cloud(changes: list[Any]) -> Iterator[Push]:
    folders = {"branch": "refs/heads/", "tag": "refs/tags/", "annotated_tag": "refs/tags/"}
    for change in changes:
        folder = folders.get(str(find(change, "new", "type")))
        if folder:  # a deleted one has nothing new
            yield Push(folder + get(change, "new", "name"), get(change, "new", "target", "hash"))


def _data_center(changes: list[Any]) -> Iterator[Push]:
    for change in changes:
        if get(change, "type") != "DELETE":
            yield Push(get(change, "ref", "id"), get(change, "toHash"))
