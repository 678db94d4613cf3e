"""Image references, read and refused as Docker does, but with the reason.

The grammar is that of the distribution project: ``[host[:port]/]path[:tag][@digest]``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from pipeline.errors import UsageError

HUB = "docker.io"
LONGEST_NAME = 255
"""Characters of host and path together."""
LONGEST_TAG = 128

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::(?P<port>[0-9]+))?")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BadReference(UsageError, ValueError):
    """Not an image reference. A ``ValueError`` too, so that option models may raise it."""


@dataclass(frozen=True)
class Reference:
    """A parsed reference. ``path`` has Docker Hub's ``library/`` where it is implied."""

    host: str
    """``docker.io`` when none is written; with the port if there is one."""
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """``host/path``, unabbreviated."""
        return f"{self.host}/{self.path}"

    @property
    def familiar(self) -> str:
        """The repository as people write it: Docker Hub's host and ``library/`` left out."""
        if self.host != HUB:
            return self.repository
        return self.path.removeprefix("library/")

    def tagged(self, tag: str) -> Reference:
        """The same repository with that tag and without a digest.

        Raises:
            BadReference: Docker takes no such tag.
        """
        return replace(self, tag=check_tag(tag), digest=None)

    def pinned(self, digest: str) -> Reference:
        """The same repository by that digest alone."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def parse(text: str) -> Reference:
    """The parts of a reference.

    Raises:
        BadReference: Docker would refuse it; the message says why.
    """
    shown = repr(text if len(text) <= 80 else f"{text[:79]}…")

    def refuse(reason: str) -> BadReference:
        return BadReference(f"{shown} is not an image reference: {reason}")

    if "://" in text:
        raise refuse("it is written without https:// or any other scheme")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise refuse("a digest is sha256: and 64 digits of 0-9 and a-f")
    name, tag = _split_tag(rest)
    if tag is not None and (reason := _tag_fault(tag)):
        raise refuse(reason)
    host, path = _split_host(name)
    if reason := _host_fault(host) or _path_fault(path):
        raise refuse(reason)
    if len(host) + 1 + len(path) > LONGEST_NAME:
        raise refuse(f"the name is longer than {LONGEST_NAME} characters")
    return Reference(host=host, path=path, tag=tag, digest=digest or None)


def check_tag(tag: str) -> str:
    """The tag itself.

    Raises:
        BadReference: Docker would refuse it.
    """
    if reason := _tag_fault(tag):
        raise BadReference(f"{tag[:LONGEST_TAG]!r} is not an image tag: {reason}")
    return tag


def path_component(text: str) -> str:
    """``text`` as one part of a repository's path, as near as the rules allow; ``app`` for
    nothing."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", text.lower())
    single = re.sub(r"[._-]{2,}", lambda match: _separator(match.group()), plain)
    return single.strip("._-") or "app"


def is_loopback(host: str) -> bool:
    """Is ``host`` (``host[:port]``) this machine by name or address? There Docker, and so we,
    speak plain HTTP to a registry."""
    name = host.rsplit(":", 1)[0] if re.search(r":[0-9]+$", host) else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _separator(run: str) -> str:
    if run == "__" or set(run) == {"-"}:
        return run
    return "-"


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash starts a tag; one before belongs to a port."""
    head, colon, tail = text.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (text, None)


def _split_host(name: str) -> tuple[str, str]:
    """The first part is a host when it looks like one, else all of it is on Docker Hub."""
    first, slash, rest = name.partition("/")
    if not slash or not (re.search(r"[.:\[A-Z]", first) or first == "localhost"):
        first, rest = HUB, name
    if first in (HUB, f"index.{HUB}"):
        return HUB, rest if "/" in rest else f"library/{rest}"
    return first, rest


def _host_fault(host: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None:
        return f"{host!r} is not a registry's host" if host else "it begins with a slash"
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        return f"{match['port']} is not a port"
    return ""


def _path_fault(path: str) -> str:
    bare = path.removeprefix("library/")
    if _PATH.fullmatch(path):
        hexadecimal = re.fullmatch("[0-9a-f]{64}", bare)
        return "64 hexadecimal digits are an image id, not a name" if hexadecimal else ""
    if not bare:
        return "there is no name"
    if bare.startswith("-"):
        return "a name does not begin with a dash"
    if path != path.lower():
        return "a name is in lower case"
    if "//" in path or path.startswith("/") or path.endswith("/"):
        return "a slash stands between two parts of a name"
    return "a name has a-z and 0-9, and between them one of . _ __ or dashes; parts are split by /"


def _tag_fault(tag: str) -> str:
    if not tag:
        return "the tag is empty"
    if len(tag) > LONGEST_TAG:
        return f"a tag has at most {LONGEST_TAG} characters"
    if not _TAG.fullmatch(tag):
        return "a tag has letters, digits, _ . and -, and does not begin with . or -"
    return ""
