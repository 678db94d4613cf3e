"""What Cargo.toml and Cargo.lock say: crates, programs, version, and what has to be installed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.errors import StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.rust import FILE
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.starting import Said
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check, pinned

LOCK = "Cargo.lock"
_TRIXIE_SINCE = 89
"""The first minor version of Rust with an image on Debian 13."""
_LISTENS = re.compile(
    r"TcpListener|\.bind\(|HttpServer|rocket::build|#\[launch\]|warp::serve|tiny_http"
)
_LIKELY = ("server", "web", "api", "app", "http", "main")
_TARGETS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}


@dataclass(frozen=True)
class Needs:
    """Debian packages to build with, and to run with."""

    build: frozenset[str] = frozenset()
    run: frozenset[str] = frozenset()


_TLS = Needs(run=frozenset({"ca-certificates"}))
_SYSTEM: Mapping[str, Needs] = {
    "openssl-sys": Needs(frozenset({"pkg-config", "libssl-dev"}), frozenset({"libssl3t64"})),
    "pq-sys": Needs(frozenset({"libpq-dev"}), frozenset({"libpq5"})),
    "mysqlclient-sys": Needs(
        frozenset({"pkg-config", "default-libmysqlclient-dev"}), frozenset({"libmariadb3"})
    ),
    "prost-build": Needs(frozenset({"protobuf-compiler"})),
    "rdkafka-sys": Needs(frozenset({"cmake", "g++", "make"})),
    "aws-lc-sys": Needs(frozenset({"cmake", "make"})),
    "cmake": Needs(frozenset({"cmake", "g++", "make"})),
    "bindgen": Needs(frozenset({"libclang-dev"})),
    **dict.fromkeys(("rustls-native-certs", "native-tls", "rustls-platform-verifier"), _TLS),
}


@dataclass(frozen=True)
class Program:
    """A binary: its name, and the crate that it is in."""

    name: str
    crate: str
    """Name of the package."""
    file: str


@dataclass(frozen=True)
class Crate:
    """One package; ``folder`` is relative to the app's, empty for that itself."""

    tree: Tree
    folder: str

    @property
    def manifest(self) -> str:
        return self.at(FILE)

    def at(self, path: str) -> str:
        return posixpath.join(self.folder, path)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.tree.toml(self.manifest)

    @property
    def name(self) -> str:
        return str(self.data.get("package", {}).get("name", ""))

    def targets(self) -> list[str]:
        """Every file that Cargo wants to be there before it builds anything."""
        declared = [str(self.data.get("lib", {}).get("path", ""))]
        build = self.data.get("package", {}).get("build")
        declared.append(build if isinstance(build, str) else "build.rs")
        for kind, folder in _TARGETS.items():
            for target in self.data.get(kind, ()):
                default = f"{folder}/{target.get('name', '')}.rs"
                declared.append(str(target.get("path", default)))
        usual = ["src/main.rs", "src/lib.rs"]
        found = [self.at(path) for path in (*usual, *declared) if path]
        found += self.tree.matching(self.at("src/bin/*.rs"))
        return [path for path in dict.fromkeys(found) if self.tree.has(path)]

    def programs(self) -> Iterator[Program]:
        named = {
            str(target.get("path") or f"src/bin/{target.get('name')}.rs"): str(target.get("name"))
            for target in self.data.get("bin", ())
        }
        for path, name in named.items():
            if self.tree.has(self.at(path)):
                yield Program(name, self.name, self.at(path))
        if self.tree.has(self.at("src/main.rs")) and "src/main.rs" not in named:
            yield Program(self.name, self.name, self.at("src/main.rs"))
        for path in self.tree.matching(self.at("src/bin/*.rs")):
            if path not in map(self.at, named):
                yield Program(posixpath.basename(path).removesuffix(".rs"), self.name, path)


def _paths(data: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Folders of the app that a manifest in ``folder`` depends on."""
    workspace = data.get("workspace", {})
    tables = [data.get(key, {}) for key in ("dependencies", "build-dependencies")]
    tables += [workspace.get("dependencies", {}), data.get("dev-dependencies", {})]
    tables += list(data.get("patch", {}).values())
    for table in tables:
        for wanted in table.values():
            if isinstance(wanted, dict) and isinstance(path := wanted.get("path"), str):
                normal = posixpath.normpath(posixpath.join(folder, path))
                if not normal.startswith(".."):
                    yield "" if normal == "." else normal


@dataclass(frozen=True)
class Cargo:
    tree: Tree

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.tree.toml(FILE)

    @cached_property
    def crates(self) -> tuple[Crate, ...]:
        """All packages that are built together, the one at the top first."""
        top = [Crate(self.tree, "")] if "package" in self.data else []
        workspace = self.data.get("workspace", {})
        left_out = {posixpath.normpath(str(path)) for path in workspace.get("exclude", ())}
        folders: dict[str, None] = {}
        for member in workspace.get("members", ()):
            pattern = posixpath.normpath(f"{member}/{FILE}")
            folders |= dict.fromkeys(map(posixpath.dirname, self.tree.matching(pattern)))
        kept = [folder for folder in folders if folder not in left_out and folder]
        return tuple(self._with_paths([*top, *(Crate(self.tree, folder) for folder in kept)]))

    def _with_paths(self, crates: list[Crate]) -> Iterator[Crate]:
        """``crates``, and those in folders of the app that they depend on."""
        seen: set[str] = set()
        waiting = [*crates, *(Crate(self.tree, path) for path in _paths(self.data, ""))]
        while waiting:
            crate = waiting.pop(0)
            if crate.folder in seen or not self.tree.has(crate.manifest):
                continue
            seen.add(crate.folder)
            waiting += [Crate(self.tree, path) for path in _paths(crate.data, crate.folder)]
            if crate.name:
                yield crate

    @property
    def locked(self) -> bool:
        return self.tree.has(LOCK)

    @cached_property
    def packages(self) -> frozenset[str]:
        """Names of all crates in the lock."""
        listed = self.tree.toml(LOCK).get("package", ())
        return frozenset(str(package.get("name")) for package in listed)

    def needs(self, reasons: Reasons) -> Needs:
        """Debian packages for the crates that are known to want some."""
        build: set[str] = set()
        run: set[str] = set()
        vendored = "openssl-src" in self.packages
        for name, known in _SYSTEM.items():
            if name in self.packages and not (name == "openssl-sys" and vendored):
                build |= known.build
                run |= known.run
                told = ", ".join(sorted(known.build | known.run))
                reasons.note("system packages", told, f"{name} needs them", LOCK)
        return Needs(frozenset(build), frozenset(run))

    def choose(self, said: Said | None, reasons: Reasons) -> Program:
        """The program that is the app: the one that is named, the only one, or the likely one.

        Raises:
            StageFailed: there is none, or several and nothing tells which.
        """
        programs = [program for crate in self.crates for program in crate.programs()]
        defaults = [crate.data.get("package", {}).get("default-run") for crate in self.crates]
        wanted = (said.program if said else "", *defaults)
        listening = [p for p in programs if self._listens(p)]
        likely = [p for p in programs if p.name in (*_LIKELY, posixpath.basename(p.crate))]
        named = [p for name in wanted for p in programs if name and p.name == name]
        for few in (named[:1], programs, [p for p in likely if p in listening], listening):
            if len(few) == 1:
                return self._noted(few[0], programs, reasons)
        if not programs:
            raise StageFailed(
                "this is Rust, but there is no program in it: no src/main.rs, src/bin or [[bin]]",
                hint="Name the folder that has one: `code: {path: …}`.",
            )
        names = ", ".join(program.name for program in programs)
        raise StageFailed(
            f"this is Rust, and it cannot be told which of its programs is the app: {names}",
            hint=f"Name it in pipeline.yml: `dockerfile: {{start: {programs[0].name}}}`.",
        )

    def _listens(self, program: Program) -> bool:
        return Sources(self.tree, [program.file]).has(_LISTENS)

    def _noted(self, program: Program, programs: list[Program], reasons: Reasons) -> Program:
        others = [each.name for each in programs if each is not program]
        because = "the only program" if not others else f"not {', '.join(others)}"
        reasons.note("program", program.name, because, program.file, doubtful=bool(others))
        return program

    def image(self, wishes: Wishes, reasons: Reasons) -> tuple[str, str]:
        """(tag of the image that builds, Debian release of both): what is pinned, else a current
        one, which builds older code too."""
        version = self._version(wishes, reasons)
        minor = re.fullmatch(r"1\.(\d+).*", version)
        suite = "trixie" if minor is None or int(minor[1]) >= _TRIXIE_SINCE else "bookworm"
        return f"{version}-slim-{suite}", suite

    def _version(self, wishes: Wishes, reasons: Reasons) -> str:
        if wishes.rust:
            reasons.note("rust", wishes.rust, "asked for by `rust:`", "pipeline.yml")
            return wishes.rust
        file = "rust-toolchain.toml"
        channel = self.tree.toml(file).get("toolchain", {}).get("channel")
        if isinstance(channel, str) and (match := re.fullmatch(r"(\d+\.\d+)(\.\d+)?", channel)):
            line = self.tree.line_of(file, channel)
            check("rust", match[1], file, line)
            reasons.note("rust", match[1], "pinned", file, line=line)
            return match[1]
        for version, where, line in pinned(self.tree, "rust", "rust-toolchain"):
            minor = ".".join(version.split(".")[:2])
            check("rust", minor, where, line)
            reasons.note("rust", minor, "pinned", where, line=line)
            return minor
        if channel not in (None, "stable"):
            because = f"{channel} has no image of its own, so the newest stable one"
            reasons.note("rust", "1", because, file, doubtful=True)
        else:
            reasons.note("rust", "1", "the newest one builds older code too")
        return "1"
