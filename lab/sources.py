"""Read the machine's own apt sources and point them at another Debian release.

No host name is written down anywhere: the address of the archive is the one that the machine
already uses (or DOCKCYCLE_LAB_MIRROR on a machine that has none of Debian's).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)"
)


@dataclass(frozen=True)
class Source:
    """One archive: where it is, and the suites taken from it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def for_release(self, old: str, new: str) -> Source:
        """The same archive with the suites of release ``new`` in place of those of ``old``."""
        suites = tuple(re.sub(rf"^{old}(?=-|/|$)", new, suite) for suite in self.suites)
        return Source(self.uri, suites, self.components, self.signed_by)

    def render(self) -> str:
        """As a stanza of a ``.sources`` file."""
        return (
            f"Types: deb\nURIs: {self.uri}\nSuites: {' '.join(self.suites)}\n"
            f"Components: {' '.join(self.components)}\nSigned-By: {self.signed_by or KEYRING}\n"
        )


def render(sources: Iterable[Source]) -> str:
    """The text of a ``.sources`` file."""
    return "\n".join(source.render() for source in sources)


def parse_list(text: str) -> Iterator[Source]:
    """Sources of a one-line-style ``.list`` file."""
    for line in text.splitlines():
        match = ONE_LINE.match(line.strip())
        if match:
            options = dict(
                word.split("=", 1) for word in (match["options"] or "").split() if "=" in word
            )
            components = tuple(match["rest"].split("#")[0].split())
            yield Source(match["uri"], (match["suite"],), components, options.get("signed-by", ""))


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources of a ``.sources`` file that are not switched off."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for stanza in "\n".join(lines).split("\n\n"):
        fields = {
            key.lower(): " ".join(value.split())
            for key, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled") == "no":
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def read_machine(etc: Path = Path("/etc/apt")) -> list[Source]:
    """All sources that apt would read on this machine."""
    found: list[Source] = []
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if file.is_file() and file.suffix == ".list":
            found += parse_list(file.read_text())
        elif file.is_file() and file.suffix == ".sources":
            found += parse_deb822(file.read_text())
    return found


def archive_of(sources: Iterable[Source], release: str) -> list[Source]:
    """Those of ``sources`` that are the distribution's own archive for ``release``."""
    suites = {f"{release}{tail}" for tail in ("", "-updates", "-security", "/updates")}
    return [
        Source(
            source.uri, tuple(s for s in source.suites if s in suites), ("main",), source.signed_by
        )
        for source in sources
        if suites & set(source.suites)
        and "main" in source.components
        and (not source.signed_by or "debian-archive" in source.signed_by)
    ]


def debian(
    release: str, machine: Iterable[Source], codename: str, mirror: str = ""
) -> list[Source]:
    """Sources for Debian ``release`` on a machine whose own release is ``codename``.

    Raises LabError when the machine has no Debian source to copy the address from.
    """
    if mirror:
        return [Source(mirror, (release, f"{release}-updates"), ("main",), KEYRING)]
    own = archive_of(machine, codename)
    if not own:
        raise LabError(
            "no Debian archive among this machine's apt sources; the lab's base images are made "
            "from Debian packages. Set DOCKCYCLE_LAB_MIRROR to the address of a Debian mirror"
        )
    return [source.for_release(codename, release) for source in own]


def os_release(path: Path = Path("/etc/os-release")) -> Mapping[str, str]:
    """The fields of /etc/os-release (empty if there is none)."""
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {key: value.strip().strip("\"'") for key, value in pairs}
