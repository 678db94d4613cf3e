"""Fill the Docker Hub stand-in: build the base images that it lacks, and push them.

The stand-in itself is read-only, so that no test can change what the next one finds; images get
in through a second registry process on the same storage, for as long as the building takes.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lab import bases, machine, sources
from lab.bases import Base
from lab.packages import Toolbox
from lab.paths import Lab
from lab.shell import run

BUILD_TIMEOUT = 900.0
PUSH_TIMEOUT = 300.0
WORKERS = 2
ROOT_OPTIONS = (
    "--variant=minbase",
    # usr-is-merged saves the package that would merge /usr, and Perl with it.
    "--include=ca-certificates,usr-is-merged",
    "--dpkgopt=force-unsafe-io",
    # What the official slim images leave out, too.
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)

APT_SETTINGS = bases.IMAGES / "debian" / "60container"


@dataclass(frozen=True)
class Builder:
    """Builds bases on a lab's engine and pushes them to the registry at ``address``."""

    lab: Lab
    environ: dict[str, str]
    toolbox: Toolbox
    storage: Path
    say: Callable[[str], None]

    @property
    def index(self) -> Path:
        return self.storage / "index.json"

    def built(self) -> dict[str, str]:
        """Name → fingerprint of the bases that the storage holds."""
        if not self.index.is_file():
            return {}
        content: dict[str, str] = json.loads(self.index.read_text())
        return content

    def ground(self) -> str:
        """A hash of what all bases get from this machine."""
        parts = [certificate.read_bytes() for certificate in machine.certificates()]
        parts.append(json.dumps(machine.environment(), sort_keys=True).encode())
        parts.append(repr(ROOT_OPTIONS).encode())
        return sha256(b"\0".join(parts)).hexdigest()

    def missing(self, wanted: Iterable[Base]) -> list[Base]:
        """Those of ``wanted``, and of what they stand on, that are not in the storage as they
        would be built now."""
        have, ground = self.built(), self.ground()
        return [b for b in bases.with_ground(wanted) if have.get(b.name) != b.fingerprint(ground)]

    def fill(self, missing: Iterable[Base], address: str) -> None:
        """Build ``missing``, side by side where they allow it, and push to ``address``.

        Raises LabError with the end of the output of the first one that fails.
        """
        order = bases.order(missing)
        order.prepare()
        ground = self.ground()
        have = self.built()
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            while order.is_active():
                for name in order.get_ready():
                    running[pool.submit(self.make, bases.BY_NAME[name], address)] = name
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    future.result()
                    have[name] = bases.BY_NAME[name].fingerprint(ground)
                    self.index.write_text(json.dumps(have, indent=1))
                    order.done(name)

    def make(self, base: Base, address: str) -> None:
        """Build one base, push all of its tags, and leave them in the engine as if pulled."""
        start = time.monotonic()
        for name in base.after:  # another lab may have renewed it
            self.docker("pull", "--quiet", bases.BY_NAME[name].tags[0])
        if base.recipe == "debian":
            self.build_root(base)
        else:
            self.build(base, base.tags, [])
            if base.stand_ins:
                self.build(
                    base, base.stand_ins, ["--label", f"{bases.STAND_IN_LABEL}={base.tags[0]}"]
                )
        built = time.monotonic()
        for tag in (*base.tags, *base.stand_ins):
            target = f"{address}/{tag if '/' in tag else f'library/{tag}'}"
            self.docker("tag", tag, target)
            self.docker("push", "--quiet", target)
            self.docker("rmi", target)
            self.docker("pull", "--quiet", tag)
        self.say(
            f"{base.tags[0]}: built in {built - start:.0f} s, "
            f"pushed in {time.monotonic() - built:.0f} s"
        )

    def docker(self, *words: str, timeout: float = PUSH_TIMEOUT) -> str:
        return run(["docker", *words], env=self.environ, timeout=timeout)

    def build(self, base: Base, tags: Iterable[str], options: list[str]) -> None:
        """Build a recipe with BuildKit under ``tags``."""
        words = [word for tag in tags for word in ("--tag", tag)]
        for key, value in base.args.items():
            words += ["--build-arg", f"{key}={value}"]
        self.docker(
            "buildx", "build", "--progress=plain", "--provenance=false", "--load", *words, *options,
            str(base.folder), timeout=BUILD_TIMEOUT,
        )  # fmt: skip

    def build_root(self, base: Base) -> None:
        """Make a minimal Debian that trusts what this machine trusts, and import it."""
        suite = base.args["SUITE"]
        own = sources.os_release().get("VERSION_CODENAME", "")
        mirror = os.environ.get("DOCKCYCLE_LAB_MIRROR", "")
        archive = sources.debian(suite, sources.read_machine(), own, mirror)
        with tempfile.TemporaryDirectory(prefix="lab-root-") as folder:
            listing, tar = Path(folder, "debian.sources"), Path(folder, "root.tar")
            listing.write_text(sources.render(archive))
            argv = mmdebstrap_argv(self.toolbox, suite, tar, listing, machine.certificates())
            run(argv, env=self.environ, timeout=BUILD_TIMEOUT)
            changes = ['CMD ["bash"]']
            changes += [f"ENV {key}={json.dumps(v)}" for key, v in machine.environment().items()]
            words = [word for change in changes for word in ("--change", change)]
            self.docker("import", *words, str(tar), base.tags[0], timeout=BUILD_TIMEOUT)
        for tag in base.tags[1:]:
            self.docker("tag", base.tags[0], tag)


def mmdebstrap_argv(
    toolbox: Toolbox, suite: str, tar: Path, listing: Path, certificates: Iterable[Path]
) -> list[str]:
    """The command that makes a minimal Debian root file system as the file ``tar``."""
    folder = "/usr/local/share/ca-certificates"
    hooks = toolbox.share("mmdebstrap/hooks/merged-usr")
    argv = [toolbox.program("mmdebstrap"), "--quiet", *ROOT_OPTIONS, f"--hook-dir={hooks}"]
    argv += [f"--customize-hook=copy-in {path} {folder}" for path in certificates]
    argv += ['--customize-hook=chroot "$1" update-ca-certificates']
    # What the settings say to keep no longer is not cleaned up either.
    argv += ['--customize-hook=rm -f "$1"/var/cache/apt/*.bin']
    argv += [f"--customize-hook=copy-in {APT_SETTINGS} /etc/apt/apt.conf.d"]
    keyring = toolbox.share("keyrings/debian-archive-keyring.gpg")
    return [*argv, f"--keyring={keyring}", suite, str(tar), str(listing)]
