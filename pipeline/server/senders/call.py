"""A delivery as it came, and what it means in our own terms."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Call:
    """``headers`` have lower-case names; ``body`` is what was signed, to the byte."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def header(self, name: str) -> str:
        """Its value; empty without one."""
        return self.headers.get(name, "")

    def payload(self) -> dict[str, Any]:
        """The JSON object in the body, also when it comes as a form's field ``payload``.

        Raises:
            NotUnderstood: there is none.
        """
        try:
            text = self.body.decode()
            if text.startswith("payload="):
                text = parse_qs(text, max_num_fields=10).get("payload", [""])[0]
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotUnderstood("the body is no JSON") from error
        if not isinstance(data, dict):
            raise NotUnderstood("the body is no JSON object")
        return data


@dataclass(frozen=True)
class Push:
    """A branch or tag is somewhere else now. ``ref`` is its full name."""

    ref: str
    commit: str


@dataclass(frozen=True)
class Pull:
    """A pull request has new code. ``ref`` is where the repository itself has it."""

    number: int
    ref: str
    commit: str
    foreign: bool
    """Does the code come from another repository?"""


@dataclass(frozen=True)
class Image:
    """An image was pushed to a registry: ``names`` are all the names it goes by."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Meaning:
    """What a delivery says. Empty: nothing that concerns us, for the reason in ``what``."""

    what: str
    """For people: the sender's own word for it."""
    items: tuple[Push | Pull | Image, ...] = ()
    ping: bool = False
    asked: bool = False
    """Somebody asks for a run, whether or not there is anything new."""


class NotUnderstood(ValueError):
    """The sender is the right one, and what it says is not of the documented form."""


class Sender(Protocol):
    """One kind of sender."""

    def recognises(self, call: Call) -> bool:
        """Does the call have this sender's marks? Nothing is believed yet."""

    def genuine(self, call: Call, secret: str) -> bool:
        """Was it made by somebody who knows the secret? Compared in constant time."""

    def key(self, call: Call) -> str:
        """What a repetition of the same delivery has in common with it; empty when there is no
        such thing but its content."""

    def read(self, call: Call) -> Meaning:
        """What it says.

        Raises:
            NotUnderstood: it is not of the form that the sender documents.
        """


def signed(call: Call, secret: str, signature: str) -> bool:
    """Is ``signature`` the hexadecimal HMAC-SHA256 of the body?"""
    wanted = hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    return same(signature, wanted)


def same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing about the values."""
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def get(data: Any, *path: str, of: type = str) -> Any:
    """The value at ``path`` of a JSON document.

    Raises:
        NotUnderstood: it is not there, or of another type.
    """
    found = find(data, *path)
    if not isinstance(found, of) or (isinstance(found, bool) and of is int):
        raise NotUnderstood(f"`{'.'.join(path)}` is not there")
    return found


def find(data: Any, *path: str) -> Any:
    """The value at ``path`` of a JSON document; None when it is not there."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def nothing(commit: str) -> bool:
    """Is it how git writes that there is no commit?"""
    return not commit.strip("0")
