"""Chromium for the tests of the web page, unpacked in the cache with fonts of its own.

As with the engine's programs nothing is installed on the machine, and a page looks the same
wherever its picture is taken.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from lab import packages, sources
from lab.errors import LabError
from lab.paths import Cache, locked

PACKAGES = ("chromium", "fonts-inter", "fonts-jetbrains-mono")
INSTALLED = ("chromium", "google-chrome", "google-chrome-stable")
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{root}/fontcache</cachedir>
  <alias><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>JetBrains Mono</family></prefer></alias>
  <alias><family>ui-monospace</family><prefer><family>JetBrains Mono</family></prefer></alias>
</fontconfig>
"""


@dataclass(frozen=True)
class Browser:
    """A program that can be started, and the variables that it needs beside the machine's."""

    program: Path
    environ: Mapping[str, str]


def chromium(cache: Cache) -> Browser:
    """The browser in ``cache``, put there first if it is missing; else the machine's own.

    Raises LabError if there is neither.
    """
    root = cache.tools / "chromium"
    unpacked = root / "usr/lib/chromium/chromium"
    try:
        with locked(cache.root / "browser.lock"):
            if not root.is_dir():
                install(cache, root)
    except LabError:
        if not _installed():
            raise
    if unpacked.is_file():
        return Browser(unpacked, environment(root))
    if own := _installed():
        return Browser(Path(own), {})
    raise LabError("there is no Chromium among this machine's packages; install one")


def install(cache: Cache, root: Path) -> None:
    """Unpack what is missing of the browser below ``root``, whole or not at all."""
    release = sources.os_release()
    packages.check_machine(release, os.geteuid())
    fresh = root.with_suffix(".part")
    shutil.rmtree(fresh, ignore_errors=True)
    packages.unpack(cache.root / "apt-browser", release, fresh, PACKAGES)
    (fresh / "fonts.conf").write_text(FONTS.format(root=escape(str(root))))
    fresh.rename(root)


def environment(root: Path) -> dict[str, str]:
    """Variables with which the browser below ``root`` finds its libraries and fonts."""
    triplet = f"{platform.machine()}-linux-gnu"
    folders = (f"usr/lib/{triplet}", f"lib/{triplet}", f"usr/lib/{triplet}/pulseaudio")
    libraries = [root / folder for folder in folders]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "FONTCONFIG_FILE": str(root / "fonts.conf"),
    }


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, INSTALLED)), None)
