"""Python packages that pip installed into a container since its image."""

from __future__ import annotations

import base64
import binascii
import contextlib
import csv
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline.kit.capture import leave
from pipeline.kit.capture.evidence import Evidence

_DIST = re.compile(r"(?P<site>.*/(?:site|dist)-packages)/(?P<dist>[^/]+)\.dist-info/METADATA")
_PREFIX = re.compile(r"(.*)/lib(?:64)?/python3[^/]*/(?:site|dist)-packages|(.*)/lib/python3/.*")
_OF_VENV = re.compile(r"bin(/(activate.*|Activate\.ps1|python.*|pip.*))?|include.*|lib64|lib|"
                      r"lib/python[^/]*(/site-packages)?|pyvenv\.cfg")  # fmt: skip
_TOOLS = frozenset({"pip", "setuptools", "wheel"})


@dataclass(frozen=True)
class Dist:
    """An installed distribution. ``folder`` is its ``.dist-info``."""

    name: str
    version: str
    folder: str
    asked: bool
    """Named to pip, and not only needed by another one."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it came from (PEP 610), if not from an index by its name."""
    record: Mapping[str, str] = field(default_factory=dict)
    """Path → SHA-256 in hex, empty where it is not said."""

    @property
    def key(self) -> str:
        return re.sub(r"[-_.]+", "-", self.name).lower()

    @property
    def local(self) -> str | None:
        """The folder in the container that it was installed from."""
        url = str(self.origin.get("url", ""))
        is_folder = "dir_info" in self.origin and url.startswith("file://")
        return url.removeprefix("file://") if is_folder else None

    @property
    def editable(self) -> bool:
        return bool((self.origin.get("dir_info") or {}).get("editable"))

    @property
    def requirement(self) -> str:
        """As a line of requirements.txt."""
        url = str(self.origin.get("url", ""))
        if vcs := self.origin.get("vcs_info"):
            return f"{self.name} @ {vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
        if "archive_info" in self.origin and url.startswith("https://"):
            return f"{self.name} @ {url}"
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Site:
    """A folder of packages, with what is new in it."""

    folder: str
    dists: tuple[Dist, ...]
    removed: tuple[str, ...] = ()
    """Names that the image has."""
    venv: str = ""
    """Of a virtual environment that is new as a whole."""
    interpreter: str = ""
    """What made that."""
    managed: bool = False
    """Debian's Python, which wants to be told that this is meant."""

    @property
    def pip(self) -> str:
        """How this site's pip is called."""
        prefix = _prefix(self.folder)
        if self.venv or prefix not in ("/usr/local", "/usr", "/root/.local"):
            return f"{prefix}/bin/pip"
        return "pip3" if self.folder.endswith("dist-packages") else "pip"

    @property
    def options(self) -> list[str]:
        user = ["--user"] if "/.local/" in self.folder else []
        return [*user, *(["--break-system-packages"] if self.managed else [])]

    @property
    def wanted(self) -> list[Dist]:
        """Those that an index (or a repository) has, the asked first."""
        found = [d for d in self.dists if d.local is None and not (self.venv and d.key in _TOOLS)]
        return sorted(found, key=lambda dist: (not dist.asked, dist.key))

    @property
    def projects(self) -> list[Dist]:
        """Those that were installed from a folder that is still there."""
        return [dist for dist in self.dists if dist.local is not None]

    def has(self, path: str, sha256: str) -> bool:
        """Is it a file of a distribution, as that brought it?"""
        known = self._record.get(path)
        return known is not None and known in ("", sha256)

    @cached_property
    def _record(self) -> dict[str, str]:
        return {path: digest for dist in self.dists for path, digest in dist.record.items()}

    def covers(self, path: str) -> bool:
        """Is it there because of pip or venv itself, whatever is in it?"""
        own = [dist.folder for dist in self.dists]
        return leave.is_below(path, own) or bool(
            self.venv and path.startswith(f"{self.venv}/")
            and _OF_VENV.fullmatch(path.removeprefix(f"{self.venv}/"))
        )  # fmt: skip


def sites(evidence: Evidence, owned: Mapping[str, str]) -> list[Site]:
    """Every site with new packages, those of Debian (``owned``) left out."""
    new: dict[str, list[Dist]] = {}
    for path, kind in sorted(evidence.kinds.items()):
        match = _DIST.fullmatch(path)
        if match and kind != "deleted" and path in evidence.now.kept and path not in owned:
            dist = _dist(evidence, path, match["site"])
            if _can_be_had(evidence, dist):
                new.setdefault(match["site"], []).append(dist)
    return [_site(evidence, folder, dists) for folder, dists in new.items()]


def _can_be_had(evidence: Evidence, dist: Dist) -> bool:
    """From an index, a repository or its folder; a file that is gone leaves only what is there."""
    if dist.local is not None:
        return dist.local in evidence.now.entries and leave.trace(f"{dist.local}/") is None
    return not str(dist.origin.get("url", "")).startswith("file://")


def _site(evidence: Evidence, folder: str, dists: list[Dist]) -> Site:
    prefix = _prefix(folder)
    config = f"{prefix}/pyvenv.cfg"
    is_venv = config in evidence.kinds
    pairs = (line.partition("=") for line in evidence.now.text(config).splitlines())
    said = {key.strip(): value.strip() for key, _, value in pairs}
    managed = any(path.endswith("/EXTERNALLY-MANAGED") for path in evidence.now.entries)
    return Site(
        folder=folder,
        dists=tuple(dists),
        removed=tuple(_removed(evidence, folder, {dist.key for dist in dists})),
        venv=prefix if is_venv else "",
        interpreter=said.get("executable", "python3"),
        managed=managed and folder.endswith("dist-packages") and not is_venv,
    )


def _removed(evidence: Evidence, folder: str, there: set[str]) -> list[str]:
    found = []
    for path in evidence.before.entries:
        match = _DIST.fullmatch(path)
        if match and match["site"] == folder and path not in evidence.now.entries:
            name = match["dist"].rpartition("-")[0]
            if re.sub(r"[-_.]+", "-", name).lower() not in there:
                found.append(name)
    return found


def _dist(evidence: Evidence, metadata: str, site: str) -> Dist:
    folder = posixpath.dirname(metadata)
    head = evidence.now.text(metadata).partition("\n\n")[0]
    name, _, version = posixpath.basename(folder).removesuffix(".dist-info").rpartition("-")
    for line in head.splitlines():
        if line.startswith("Name: "):
            name = line.removeprefix("Name: ").strip()
    origin: Any = {}
    with contextlib.suppress(ValueError):
        origin = json.loads(evidence.now.text(f"{folder}/direct_url.json"))
    return Dist(
        name=name, version=version, folder=folder,
        asked=f"{folder}/REQUESTED" in evidence.now.entries,
        origin=origin if isinstance(origin, dict) else {},
        record=_record(evidence.now.text(f"{folder}/RECORD"), site),
    )  # fmt: skip


def _record(text: str, site: str) -> dict[str, str]:
    """Its RECORD: path from the site, ``sha256=`` in URL-safe base64, size."""
    found = {}
    for row in csv.reader(text.splitlines()):
        if not row:
            continue
        digest = row[1].removeprefix("sha256=") if len(row) > 1 else ""
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4))
            found[posixpath.normpath(posixpath.join(site, row[0]))] = raw.hex()
    return found


def _prefix(folder: str) -> str:
    match = _PREFIX.fullmatch(folder)
    return (match[1] or match[2] or "") if match else ""
