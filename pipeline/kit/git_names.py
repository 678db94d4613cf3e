"""Names that go to git: branches, tags, revisions and URLs, held to git's own rules before use."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

RUN_TRAILER = "Dockcycle-Run"
"""The trailer by which our own commits are known."""
IMAGE_TRAILER = "Dockcycle-Image"

_SCHEMES = frozenset({"file", "git", "http", "https", "ssh"})
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCP = re.compile(r"(?:[^/:@\s]+@)?(?P<host>\[[^\]/]+\]|[^/:@\s]+):(?!//)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_USERINFO = re.compile(
    r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^\s/@:]*)(?::[^\s/@]*)?@"
)


def check_branch(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: git would refuse it as a branch or tag (``git check-ref-format --branch``).
    """
    fault = _fault(name)
    if fault:
        raise ValueError(f'"{_shown(name)}" is no name that git takes for a branch or tag: {fault}')
    return name


def check_revision(text: str) -> str:
    """A branch, tag or commit to take, as it is; expressions such as ``HEAD~2`` are refused.

    Raises:
        ValueError: git would refuse it.
    """
    fault = "" if text == "HEAD" else _fault(text)
    if fault:
        raise ValueError(f'"{_shown(text)}" is no branch, tag or commit that git takes: {fault}')
    return text


def check_remote(name: str) -> str:
    """The name of a configured remote itself.

    Raises:
        ValueError: git would refuse it; a URL is none.
    """
    if is_remote(name) or name.startswith(("/", ".")):
        raise ValueError(f'"{_shown(without_credentials(name))}" is no name of a git remote; '
                         "add it (git remote add NAME URL) and use the name")  # fmt: skip
    fault = _fault(name)
    if fault:
        raise ValueError(f'"{_shown(name)}" is no name of a git remote: {fault}')
    return name


def check_url(url: str) -> str:
    """The URL (or path, or ``host:path``) itself.

    Raises:
        ValueError: it is an option in disguise, runs a helper program, or is no URL of git's.
    """
    shown = _shown(without_credentials(url))
    if not url or _CONTROL.search(url):
        raise ValueError(f'"{shown}" is no URL of a git repository')
    if url.startswith("-"):
        raise ValueError(f'"{shown}" is no URL of a git repository: it begins with -')
    if _HELPER.match(url):
        raise ValueError(f'"{shown}" would start a helper program; only git\'s own protocols are '
                         f"taken: {', '.join(sorted(_SCHEMES))}")  # fmt: skip
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() not in _SCHEMES:
        raise ValueError(f'"{shown}" has a protocol that is not taken; these are: '
                         f"{', '.join(sorted(_SCHEMES))}")  # fmt: skip
    if _host(url).startswith("-"):
        raise ValueError(f'"{shown}" is no URL of a git repository: its host begins with -')
    return url


def is_remote(url: str) -> bool:
    """Does it name a host, and not a path on this machine?"""
    if url.lower().startswith("file://"):
        return False
    return "://" in url or _SCP.match(url) is not None


def without_credentials(url: str) -> str:
    """The URL without password, and without user name where that may be a token (HTTP)."""
    return scrub(url.partition("?")[0] if url.startswith("http") else url)


def scrub(text: str) -> str:
    """``text`` with the credentials taken out of every URL in it."""
    return _USERINFO.sub(_without_userinfo, text)


def credentials(url: str) -> tuple[str, str] | None:
    """User name and password (or token) of an HTTP URL; None where it has none."""
    if not url.lower().startswith(("http://", "https://")):
        return None
    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


BranchName = Annotated[str, AfterValidator(check_branch)]
RemoteName = Annotated[str, AfterValidator(check_remote)]
Revision = Annotated[str, AfterValidator(check_revision)]


def _without_userinfo(match: re.Match[str]) -> str:
    scheme, user = match["scheme"], match["user"]
    keep = f"{user}@" if user and not scheme.lower().startswith("http") else ""
    return f"{scheme}://{keep}"


def _fault(name: str) -> str:
    """Why git refuses the name; empty when it does not."""
    if not name:
        return "it is empty"
    if name.startswith("-"):
        return "it begins with -"
    if name in ("@", "HEAD"):
        return "git keeps that word for itself"
    if found := _FORBIDDEN.search(name):
        return f"it has {'a space' if found[0] == ' ' else repr(found[0])} in it"
    for part in ("..", "@{", "//"):
        if part in name:
            return f"it has {part} in it"
    if name.startswith("/") or name.endswith(("/", ".")):
        return "it begins or ends with / or ends with a dot"
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "a part of it begins with a dot or ends with .lock"
    return ""


def _host(url: str) -> str:
    if "://" in url:
        return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    match = _SCP.match(url)
    return match["host"] if match else ""


def _shown(text: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable if len(printable) <= 80 else f"{printable[:79]}…"
