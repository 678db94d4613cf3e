"""BuildKit's report as the engine's own build API gives it: protobuf inside base64 inside JSON.

Only the few fields that are used are read; the numbers are those of BuildKit's ``control.proto``
(``StatusResponse``), which are stable as all protobuf field numbers are.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from pipeline.adapters.docker.solve import Log, Status, Vertex

Fields = dict[int, list[int | bytes]]


def from_trace(aux: str) -> Status:
    """A ``moby.buildkit.trace`` message."""
    response = _fields(base64.b64decode(aux))
    return Status(
        vertexes=tuple(_vertex(_fields(item)) for item in _messages(response, 1)),
        logs=tuple(_log(_fields(item)) for item in _messages(response, 3)),
    )


def _vertex(fields: Fields) -> Vertex:
    return Vertex(
        id=_text(fields, 1), name=_text(fields, 3), cached=bool(fields.get(4, [0])[-1]),
        started=_time(fields, 5), completed=_time(fields, 6), error=_text(fields, 7),
    )  # fmt: skip


def _log(fields: Fields) -> Log:
    return Log(vertex=_text(fields, 1), data=b"".join(_messages(fields, 4)))


def _time(fields: Fields, number: int) -> float | None:
    for item in _messages(fields, number):
        stamp = _fields(item)
        return _number(stamp, 1) + _number(stamp, 2) / 1e9
    return None


def _number(fields: Fields, number: int) -> int:
    value = fields.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def _text(fields: Fields, number: int) -> str:
    return b"".join(_messages(fields, number)[-1:]).decode("utf-8", "replace")


def _messages(fields: Fields, number: int) -> list[bytes]:
    return [value for value in fields.get(number, []) if isinstance(value, bytes)]


def _fields(data: bytes) -> Fields:
    fields: Fields = {}
    for number, value in _decode(data):
        fields.setdefault(number, []).append(value)
    return fields


def _decode(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Protobuf's wire format: (field number, value)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        else:
            size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            yield key >> 3, data[at : at + size]
            at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
