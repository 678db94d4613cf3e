"""Dockerfiles for Rust: dependencies compiled once, then one program on a small Debian."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reasons, Wishes
from pipeline.kit.authoring.rust import FILE
from pipeline.kit.authoring.rust.cargo import LOCK, Cargo
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_CACHES = ("/usr/local/cargo/registry", "/usr/local/cargo/git/db")
_CONFIGURATION = (".cargo/config.toml", ".cargo/config")
_PORT = (
    re.compile(r"\"PORT\"\)[\s\S]{0,200}?unwrap_or(?:_else|_default)?\([^)\d]{0,40}\"?(\d{2,5})"),
    re.compile(r"\(\s*\"PORT\"\s*,\s*\"?(\d{2,5})"),
    re.compile(r"default_value(?:_t)?\s*=\s*\"?(\d{4,5})"),
    re.compile(r"\"(?:0\.0\.0\.0|\[::\]|127\.0\.0\.1|localhost):(\d{2,5})\""),
    re.compile(r"\(\s*\[[\d, ]+\]\s*,\s*(\d{2,5})\s*\)|\(\s*\"0\.0\.0\.0\"\s*,\s*(\d{2,5})\s*\)"),
    re.compile(r"\bport\b[^\n\d]{0,20}(\d{4,5})\b", re.IGNORECASE),
)
_LISTENS = re.compile(r"TcpListener|\.bind\(|HttpServer|rocket::|warp::serve|tiny_http|axum::")
_ONLY_HERE = re.compile(r"\"((?:127\.0\.0\.1|localhost)(?::\d+\"|\"\s*,\s*\d+))")
_ROCKET = re.compile(r"rocket::build|#\[launch\]")
_USUAL = 8080
_USED_UP = frozenset({"rs", "toml", "lock", "md"})
_NOT_THE_APP = re.compile(r"(?:^|/)(?:tests|benches|examples|target)/")


def author(tree: Tree, wishes: Wishes) -> Authored:
    """The Dockerfile for an app that was recognised."""
    return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.cargo = Cargo(tree)
        self.tag, self.suite = self.cargo.image(wishes, self.reasons)
        said = starting.said(tree, wishes, self.reasons)
        self.program = self.cargo.choose(said, self.reasons)
        self.needs = self.cargo.needs(self.reasons)
        self._note_lock()
        files = [f for f in tree.files if f.endswith(".rs") and not _NOT_THE_APP.search(f)]
        near = posixpath.dirname(self.program.file)
        self.sources = Sources(tree, sorted(files, key=lambda f: not f.startswith(near)))
        self.rocket = self.sources.has(_ROCKET)
        name = self.program.name
        plain = f"ROCKET_PORT=$PORT {name}" if self.rocket else (name,)
        self.command = said.with_program(name) if said else plain
        self.port = self._port(said is None or said.listens)

    def _note_lock(self) -> None:
        if not self.cargo.locked:
            because = "there is no Cargo.lock, so versions may differ from build to build"
            self.reasons.note("dependencies", "cargo build", because, FILE, doubtful=True)

    def _port(self, may_listen: bool) -> int | None:
        if not self.wishes.port and not (may_listen and self.sources.has(_LISTENS)):
            return None
        if found := self.sources.first(_ONLY_HERE):
            self.reasons.note(
                "address", found.value, "nobody outside of the container reaches it; listen on "
                "0.0.0.0", found.file, line=found.line, doubtful=True,
            )  # fmt: skip
        return starting.port(
            self.sources, self.wishes, self.reasons, command=self.command, patterns=_PORT,
            usual=8000 if self.rocket else _USUAL,
        )  # fmt: skip

    def author(self) -> Authored:
        packages = self.needs.run | set(self.wishes.packages)
        items = blocks.paragraphs(
            [m.From(f"rust:{self.tag}", "build")],
            blocks.apt(self.needs.build, "Only to build; none of it is in the image that runs."),
            [self._settings(), m.Workdir("/src")],
            self._dependencies(),
            self._build(),
            [m.From(f"debian:{self.suite}-slim")],
            [blocks.env(self._environment())] if self.port is not None else [],
            blocks.apt(packages, "System packages that the app needs."),
            parts.user(),
            self._content(),
            parts.ending(parts.UID, self.port, self.command, self._health()),
        )
        return Authored("Rust", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _settings(self) -> m.Env:
        values = {"CARGO_PROFILE_RELEASE_STRIP": "symbols"}
        if self.tree.first("rust-toolchain.toml", "rust-toolchain"):
            # The image has the version that the file asks for, but rustup would go by its name.
            values["RUSTUP_TOOLCHAIN"] = "$RUST_VERSION"
        return blocks.env(values)

    def _environment(self) -> dict[str, object]:
        rocket = {"ROCKET_ADDRESS": "0.0.0.0"} if self.rocket else {}  # noqa: S104 - in a container
        return {"PORT": self.port, **rocket}

    @property
    def _cargo_build(self) -> str:
        locked = " --locked" if self.cargo.locked else ""
        crate = f" --package {self.program.crate}" if len(self.cargo.crates) > 1 else ""
        return f"cargo build --release{locked}{crate} --bin {self.program.name}"

    def _dependencies(self) -> list[m.Item]:
        """Compile them against empty programs: Cargo has no command for dependencies alone."""
        manifests = [crate.manifest for crate in self.cargo.crates]
        top = [FILE] if FILE not in manifests else []
        lock = [LOCK] if self.cargo.locked else []
        configuration = [path for path in _CONFIGURATION if self.tree.has(path)]
        targets = [path for crate in self.cargo.crates for path in crate.targets()]
        return [
            *blocks.comment(
                "Dependencies before the code, compiled against programs that do nothing: as long",
                "as they stay, a change of the code is quick.",
            ),
            *parts.copies([*top, *manifests, *lock, *configuration]),
            blocks.run(*_stubs(targets), self._cargo_build, caches=_CACHES),
        ]

    def _build(self) -> list[m.Item]:
        # Cargo goes by time: the code may be older than what was just compiled in its place.
        touch = "find . -name '*.rs' -not -path './target/*' -exec touch {} +"
        return [
            *blocks.comment("Cargo goes by time, and code may be older than those programs."),
            parts.code(),
            blocks.run(touch, self._cargo_build, caches=_CACHES),
        ]

    def _content(self) -> list[m.Item]:
        data = self.sources.data(_USED_UP)
        rocket = [path for path in ("Rocket.toml",) if self.rocket and self.tree.has(path)]
        if data:
            self.reasons.note("data", ", ".join(data), "the code names them")
        built = f"/src/target/release/{self.program.name}"
        return [*parts.data([*data, *rocket]), parts.from_build(built, "/usr/local/bin/")]

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        return probes.choose(probes.bash, self.sources.health_route(), self.reasons)


def _stubs(targets: Iterable[str]) -> list[str]:
    """Commands that make an empty file of each target, one that has ``main`` where it needs it."""
    paths = list(targets)
    folders = " ".join(dict.fromkeys(posixpath.dirname(path) or "." for path in paths))
    libraries = [path for path in paths if path.endswith("lib.rs")]
    programs = [path for path in paths if path not in libraries]
    commands = [f"mkdir -p {folders}"] if folders not in ("", ".") else []
    if libraries:
        commands.append(f"touch {' '.join(libraries)}")
    if len(programs) == 1:
        commands.append(f"echo 'fn main() {{}}' > {programs[0]}")
    elif programs:
        listed = " ".join(programs)
        commands.append(f"for it in {listed}; do echo 'fn main() {{}}' > \"$it\"; done")
    return commands
