"""What can be mended is, at its place only; what would not be safe is left alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline.artifacts import Finding
from pipeline.kit.dockerfile.fix import FIXES, fix

UP, GET, RM = "apt-get update", "apt-get install", "rm -rf /var/lib/apt/lists/*"
HEAD = "# syntax=docker/dockerfile:1\nFROM debian:12\n"


def mended(rule: str, text: str, context: Path = Path("/nowhere")) -> str:
    """``text`` after HEAD, with every instruction of it found fault with."""
    lines = range(1, HEAD.count("\n") + text.count("\n") + 2)
    findings = [Finding(rule=rule, level="warning", message="x", line=line) for line in lines]
    whole = fix(HEAD + text, findings, context)
    assert whole.startswith(HEAD)
    return whole.removeprefix(HEAD)


@pytest.mark.parametrize(
    ("rule", "text", "fixed"),
    [
        ("DL3015", f"RUN {GET} -y curl\n", f"RUN {GET} -y --no-install-recommends curl\n"),
        (
            "DL3015",
            f"RUN {UP} \\\n  # {GET} is next\n && apt-get -q install \\\n      curl\n",
            f"RUN {UP} \\\n  # {GET} is next\n && apt-get -q install --no-install-recommends "
            "\\\n      curl\n",
        ),
        ("DL3014", f"RUN {GET} curl", f"RUN {GET} --yes curl"),
        ("DL3027", "RUN apt update && apt -y install x", f"RUN {UP} && apt-get -y install x"),
        ("DL3009", f"RUN {UP} && {GET} -y x\n", f"RUN {UP} && {GET} -y x && {RM}\n"),
        (
            "DL3009",
            f"RUN {UP} \\\n    && {GET} -y x  \n",
            f"RUN {UP} \\\n    && {GET} -y x \\\n    && {RM}  \n",
        ),
        (
            "DL3009",
            f"RUN {UP} && \\\n\t{GET} -y x\n",
            f"RUN {UP} && \\\n\t{GET} -y x && \\\n\t{RM}\n",
        ),
        ("DL3042", "RUN pip install x && python3 -m pip install y\n",
         "RUN pip install --no-cache-dir x && python3 -m pip install --no-cache-dir y\n"),
        ("DL3019", "RUN apk add curl\n", "RUN apk add --no-cache curl\n"),
        ("DL4000", 'MAINTAINER Ada "A" <a@b.c>\n',
         'LABEL org.opencontainers.image.authors="Ada A <a@b.c>"\n'),
        ("MaintainerDeprecated", "maintainer me\n", "LABEL org.opencontainers.image.authors=me\n"),
        ("DL3025", "CMD python app.py --port=80\n", 'CMD ["python", "app.py", "--port=80"]\n'),
        ("JSONArgsRecommended", "entrypoint  ./run\n", 'entrypoint  ["./run"]\n'),
        ("LegacyKeyValueFormat", "ENV NAME some words\n", 'ENV NAME=some" "words\n'),
        ("FromAsCasing", "FROM x as y\nfrom y AS z\n", "FROM x AS y\nfrom y as z\n"),
    ],
)  # fmt: skip
def test_what_is_mechanical_is_mended(rule: str, text: str, fixed: str) -> None:
    assert mended(rule, text) == fixed
    assert mended(rule, fixed) == fixed


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("DL3015", "RUN apt-get install --no-install-recommends x\n"),
        ("DL3015", "RUN apt-get -o APT::Install-Recommends=0 install x\n"),
        ("DL3015", "RUN echo 'apt-get install x'\n"),
        ("DL3014", "RUN apt-get install -qq x && apt-get install -y y\n"),
        ("DL3027", "RUN apt search x && apt install y\n"),
        ("DL3009", "RUN apt-get update\n"),
        ("DL3009", "RUN apt-get update && apt-get install x; echo\n"),
        ("DL3009", "RUN apt-get update && apt-get install x || true\n"),
        ("DL3009", "RUN apt-get update && apt-get install x\nRUN apt-get install y\n"),
        ("DL3009", f"RUN --mount=type=cache,target=/var/lib/apt {UP} && {GET} x\n"),
        ("DL3009", "RUN <<EOF\napt-get update\napt-get install x\nEOF\n"),
        ("DL3009", 'RUN ["sh", "-c", "apt-get update && apt-get install x"]\n'),
        ("DL3042", "RUN --mount=type=cache,target=/root/.cache/pip pip install x\n"),
        ("DL3042", "RUN pip installer && mypip install x\n"),
        ("DL3019", "RUN --mount=type=cache,target=/var/cache/apk apk add x\n"),
        ("DL3020", "ADD missing /\n"),
        ("DL3020", "ADD https://example.com/x /\n"),
        ("DL3020", "ADD $FILE /\n"),
        ("DL3025", "CMD python app.py && echo\n"),
        ("DL3025", "CMD A=1 python app.py\n"),
        ("DL3025", "CMD exec python app.py\n"),
        ("DL3025", 'CMD echo "$HOME"\n'),
        ("DL3025", 'ENTRYPOINT ["a"]\nCMD b\n'),
        ("DL3025", 'SHELL ["/bin/bash", "-c"]\nCMD b\n'),
        ("DL3008", "RUN apt-get install x\n"),
        ("syntax", "RUM x\n"),
    ],
)  # fmt: skip
def test_what_is_not_safe_or_not_known_is_left_alone(rule: str, text: str) -> None:
    assert mended(rule, text) == text


def test_only_what_was_found_is_mended() -> None:
    text = "FROM a\nRUN pip install x\nRUN pip install y\n"
    found = [Finding(rule="DL3042", level="warning", message="x", line=3)]
    assert fix(text, found, Path("/")) == text.replace("install y", "install --no-cache-dir y")


def test_several_of_one_place_and_line_ends_of_windows() -> None:
    text = "FROM a\r\nRUN apt install x\r\nCMD run\r\n"
    found = [
        Finding(rule=rule, level="warning", message="x", line=2)
        for rule in ("DL3014", "DL3015", "DL3027", "DL3009")
    ]
    assert fix(text, found, Path("/")) == (
        "FROM a\r\nRUN apt-get install --yes --no-install-recommends x\r\nCMD run\r\n"
    )  # fmt: skip


def test_add_becomes_copy_for_files_that_are_neither_fetched_nor_unpacked(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "data.bin").write_bytes(gzip.compress(b"x"))
    same = "ADD data.bin /\nADD *.bin /x/\nADD --checksum=sha256:0 a.txt /\nADD a.txt data.bin /\n"
    assert mended("DL3020", same, tmp_path) == same
    text = "ADD . /app\nADD --chown=1 a.txt ./src/ /x/\nadd *.txt /x/\n"
    expected = "COPY . /app\nCOPY --chown=1 a.txt ./src/ /x/\ncopy *.txt /x/\n"
    assert mended("DL3020", text, tmp_path) == expected


def test_every_fix_is_tried_here() -> None:
    tried = Path(__file__).read_text()
    assert [rule for rule in FIXES if f'"{rule}"' not in tried] == []
