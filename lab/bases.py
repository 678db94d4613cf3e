"""The base images that stand for Docker Hub's: one entry each.

``recipe`` is a folder of lab/images with a Dockerfile. ``tags`` are the Hub names; a tag in
``stand_ins`` names a version that Debian does not have, and the image says so in its label
``lab.stand-in``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

from lab.errors import LabError

IMAGES = Path(__file__).parent / "images"
STAND_IN_LABEL = "lab.stand-in"


@dataclass(frozen=True)
class Base:
    """One base image: how it is built, and the names it gets on the Docker Hub stand-in."""

    name: str
    recipe: str
    tags: tuple[str, ...]
    args: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    default: bool = True

    @property
    def folder(self) -> Path:
        return IMAGES / self.recipe

    def fingerprint(self, *more: str) -> str:
        """A hash of all that the image is made from, and of ``more``."""
        digest = hashlib.sha256(repr((self, more)).encode())
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(self.folder)}\0".encode() + file.read_bytes())
        return digest.hexdigest()


def root(suite: str, *tags: str) -> Base:
    """A minimal Debian, the ground that the others stand on."""
    return Base(f"debian-{suite}", "debian", tags, args={"SUITE": suite})


def python(version: str, suite: str, *tags: str, stand_ins: tuple[str, ...] = ()) -> Base:
    return Base(
        f"python-{version}", "python", tags, {"SUITE": suite}, (f"debian-{suite}",), stand_ins
    )


def node(version: str, *tags: str, default: bool = True) -> Base:
    args, after = {"VERSION": version}, ("debian-bookworm",)
    return Base(f"node-{version}", "node", tags, args, after, default=default)


def on(ground: str, slim: str, recipe: str, tag: str, *, default: bool = True) -> Base:
    """A recipe on another base, ``slim``."""
    return Base(tag.replace(":", "-"), recipe, (tag,), {"GROUND": slim}, (ground,), default=default)


def packaged(
    recipe: str, suite: str, *tags: str, stand_ins: tuple[str, ...] = (), default: bool = True
) -> Base:
    return Base(recipe, recipe, tags, {}, (f"debian-{suite}",), stand_ins, default)


def go(version: str, *tags: str, stand_ins: tuple[str, ...] = ()) -> Base:
    after = ("debian-trixie",)
    return Base(f"golang-{version}", "golang", tags, {"VERSION": version}, after, stand_ins, False)


def rust(suite: str, *tags: str) -> Base:
    old = tuple(
        f"rust:1.{minor}-slim-{suite}" for minor in range(70 if suite != "trixie" else 89, 96)
    )
    return Base(
        f"rust-{suite}", "rust", tags, {"SUITE": suite}, (f"debian-{suite}",), old, default=False
    )


def java(version: str, suite: str) -> Iterator[Base]:
    """Runtime, compiler, and both build tools on it."""
    args = {"SUITE": suite, "VERSION": version}
    for kind in ("jre", "jdk"):
        name, tag = f"temurin-{version}-{kind}", f"eclipse-temurin:{version}-{kind}"
        ground = (f"debian-{suite}",)
        yield Base(name, "temurin", (tag,), {**args, "KIND": kind}, ground, default=False)
    jdk = (f"temurin-{version}-jdk",)
    maven = (f"maven:3-eclipse-temurin-{version}",)
    yield Base(f"maven-{version}", "maven", maven, args, jdk, default=False)
    gradle = (f"gradle:8-jdk{version}", f"gradle:9-jdk{version}")
    yield Base(
        f"gradle-{version}", "gradle", (f"gradle:4-jdk{version}",), args, jdk, gradle, default=False
    )


def php(version: str, kind: str) -> Base:
    args = {"SUITE": "trixie", "VERSION": version, "KIND": kind}
    tags = (f"php:{version}-{kind}", f"php:{version}-{kind}-trixie")
    others = tuple(f"php:8.{minor}-{kind}-trixie" for minor in (2, 3, 5))
    return Base(f"php-{version}-{kind}", "php", tags, args, ("debian-trixie",), others, False)


ALL = (
    root("bookworm", "debian:bookworm-slim", "debian:bookworm", "debian:12-slim"),
    root("trixie", "debian:trixie-slim", "debian:trixie", "debian:13-slim", "debian:stable-slim"),
    python("3.11", "bookworm", "python:3.11-slim", "python:3.11", "python:3.11-slim-bookworm"),
    python(
        "3.13",
        "trixie",
        "python:3.13-slim",
        "python:3.13",
        "python:3-slim",
        "python:3.13-slim-trixie",
        stand_ins=("python:3.12-slim", "python:3.12"),
    ),
    node("20", "node:20-slim", "node:20", "node:20-bookworm-slim"),
    node("22", "node:22-slim", "node:22", "node:22-bookworm-slim", "node:lts-slim"),
    node("24", "node:24-slim", "node:24", "node:24-bookworm-slim", default=False),
    on("python-3.11", "python:3.11-slim", "stand-in", "python:3.10-slim"),
    on("python-3.13", "python:3.13-slim", "stand-in", "python:3.14-slim"),
    on("node-20", "node:20-slim", "stand-in", "node:18-slim"),
    on("python-3.13", "python:3.13-slim", "full", "python:3.13-trixie", default=False),
    on("node-22", "node:22-slim", "full", "node:22-bookworm", default=False),
    packaged("nginx", "trixie", "nginx:1", "nginx:latest", stand_ins=("nginx:alpine",)),
    packaged("redis", "bookworm", "redis:7", stand_ins=("redis:7-alpine",)),
    packaged(
        "postgres",
        "trixie",
        "postgres:17",
        stand_ins=("postgres:16", "postgres:16-alpine", "postgres:17-alpine"),
    ),
    packaged("caddy", "trixie", "caddy:2", stand_ins=("caddy:2-alpine",)),
    packaged("registry", "bookworm", "registry:2"),
    packaged("docker-cli", "trixie", "docker:26-cli", stand_ins=("docker:29-cli",)),
    packaged("busybox", "trixie", "busybox:1", "busybox:latest", stand_ins=("busybox:1-musl",)),
    Base(
        "nginx-unprivileged",
        "nginx-unprivileged",
        ("nginxinc/nginx-unprivileged:1",),
        {},
        ("nginx", "debian-trixie"),
        ("nginxinc/nginx-unprivileged:1-alpine",),
    ),
    go("1.25", "golang:1.25", "golang:1.25-trixie"),
    go(
        "1.26",
        "golang:1.26",
        "golang:1.26-trixie",
        "golang:1",
        stand_ins=tuple(f"golang:1.{minor}" for minor in range(18, 25)),
    ),
    go("1.27", "golang:1.27", "golang:1.27-trixie"),
    rust("bookworm", "rust:1-slim-bookworm", "rust:1.96-slim-bookworm"),
    rust("trixie", "rust:1-slim-trixie", "rust:1.96-slim-trixie"),
    *java("17", "bookworm"),
    *java("21", "trixie"),
    *java("25", "trixie"),
    php("8.4", "apache"),
    php("8.4", "cli"),
    Base("composer", "composer", ("composer:2",), {}, ("php-8.4-cli",), default=False),
    packaged(
        "ruby",
        "trixie",
        "ruby:3.3-slim",
        "ruby:3.3-slim-trixie",
        stand_ins=("ruby:3.2-slim-trixie", "ruby:3.4-slim-trixie"),
        default=False,
    ),
    Base(
        "deno",
        "deno",
        ("denoland/deno:2.9.6",),
        {"VERSION": "2.9.6"},
        ("node-22", "debian-trixie"),
        default=False,
    ),
    Base(
        "bun",
        "bun",
        ("oven/bun:1", "oven/bun:1-slim"),
        {"VERSION": "1.4.4"},
        ("node-22", "debian-trixie"),
        default=False,
    ),
)
BY_NAME = {base.name: base for base in ALL}
TESTED = (
    "golang-1.26", "rust-trixie", "maven-21", "gradle-21", "temurin-21-jre", "php-8.4-apache",
    "composer", "ruby", "deno",
)  # fmt: skip
"""What tests/corpus is built on, beside the default ones."""


def find(word: str) -> Base:
    """The base called ``word``, by its own name or by one of its tags. Raises LabError."""
    for base in ALL:
        if word == base.name or word in base.tags or word in base.stand_ins:
            return base
    raise LabError(f"no base image {word!r}; there are {', '.join(BY_NAME)}")


def with_ground(wanted: Iterable[Base]) -> list[Base]:
    """``wanted`` and all that they are built on."""
    names: dict[str, None] = {}
    waiting = [base.name for base in wanted]
    while waiting:
        name = waiting.pop()
        names[name] = None
        waiting += BY_NAME[name].after
    return [BY_NAME[name] for name in names]


def order(chosen: Iterable[Base]) -> TopologicalSorter[str]:
    """The order in which ``chosen`` can be built; what else they stand on is there already."""
    after = {base.name: base.after for base in chosen}
    return TopologicalSorter(
        {n: [g for g in grounds if g in after] for n, grounds in after.items()}
    )
