"""Which images a Dockerfile takes from registries, and how their digests are put in."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.kit.dockerfile.bases import bases, pinned

DIGEST = "sha256:" + "a" * 64


def names(text: str, **more: Any) -> list[str]:
    return [base.name for base in bases(text, **more)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM python:3.13-slim\n", ["python:3.13-slim"]),
        ("from --platform=$BUILDPLATFORM \\\n  python AS base\nFROM base\n", ["python:latest"]),
        ("FROM scratch\nFROM docker.io/library/node:22\n", ["node:22"]),
        ("FROM reg.example:5000/a/b:1\n", ["reg.example:5000/a/b:1"]),
        ("FROM a:1 AS one\nFROM b:1\nCOPY --from=one /x /\nCOPY --from=0 /x /\n", ["a:1", "b:1"]),
        ("FROM a:1\nCOPY --link --from=c:2 /x /\n", ["a:1", "c:2"]),
        ("FROM a:1\nCOPY --from=later /x /\nFROM b:1 AS later\n", ["a:1", "later:latest", "b:1"]),
        (
            "FROM a:1\nRUN --mount=type=cache,target=/c \\\n --mount=from=t:3,target=/t x from=y\n",
            ["a:1", "t:3"],
        ),
        ("ARG V=3.13\nFROM python:${V}-slim\nARG V=4\nFROM p:$V\n", ["python:3.13-slim", "p:3.13"]),
        ("ARG A=b\nARG V=$A-x\nFROM p:${V:-y}${W:-z}\n", ["p:b-xz"]),
        ("ARG V\nFROM p:$V\nFROM p:${V:+x}\nFROM $BUILDPLATFORM\n", []),
        ('FROM "quoted:1"\nFROM UPPER\n', []),
        ("FROM\n", []),
    ],
)
def test_they_are_found_where_they_are_named(text: str, found: list[str]) -> None:
    assert names(text) == found


def test_arguments_and_contexts_of_the_build_count() -> None:
    text = "ARG V=1\nARG W\nFROM a:$V\nFROM b:$W\nFROM base\n"
    assert names(text, args={"V": "2", "W": "3", "X": "4"}, contexts=["base"]) == ["a:2", "b:3"]


def test_digests_go_in_and_nothing_else_changes() -> None:
    text = (
        "# syntax=docker/dockerfile:1\r\nARG V=22\r\nFROM  node:${V}  AS x	\n"
        "from\\\n  python\nCOPY --from=node:22 a \\\n  b\n"
        f"RUN --mount=type=bind,from=tool,target=/t \\\n   t\nFROM a@{DIGEST}\nFROM other:1"
    )
    after = pinned(text, {"node:22": "sha256:n", "python:latest": "sha256:p",
                          "tool:latest": "sha256:t"}.get)  # fmt: skip
    assert after == (
        text.replace("node:${V}", "node:22@sha256:n")
        .replace("python\n", "python:latest@sha256:p\n")
        .replace("=node:22", "=node:22@sha256:n").replace("=tool,", "=tool:latest@sha256:t,")
    )  # fmt: skip
    assert pinned(after, lambda name: "sha256:x").count("sha256:x") == 1


def test_a_file_that_starts_with_a_byte_order_mark() -> None:
    assert pinned("\ufeffFROM a:1\n", lambda name: "d") == "\ufeffFROM a:1@d\n"
