"""Building without buildx: what goes up, what comes back."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path

import pytest

from pipeline.adapters.docker.engine_build import _archive, check_possible, find_line
from pipeline.adapters.docker.wire import from_trace
from pipeline.errors import StageFailed
from pipeline.ports.engine import BuildRequest


def request(context: Path, **fields: object) -> BuildRequest:
    return BuildRequest.model_validate(
        {"context": str(context), "dockerfile_text": "FROM scratch\n", **fields}
    )


def names(wanted: BuildRequest) -> list[str]:
    with _archive(wanted) as (body, dockerfile), tarfile.open(fileobj=body) as archive:
        member = archive.extractfile(dockerfile)
        assert member is not None
        assert member.read().decode() == wanted.dockerfile_text
        assert all(entry.uid == entry.gid == 0 for entry in archive)
        return archive.getnames()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("a.py", "b.log", "sub/c.py", "sub/d.log", "out/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_a_whole_context_goes_up_with_its_dockerfile(context: Path) -> None:
    assert names(request(context)) == [
        "Dockerfile", "a.py", "b.log", "empty", "out", "out/e.py", "sub", "sub/c.py", "sub/d.log",
    ]  # fmt: skip


def test_what_is_ignored_stays_here(context: Path) -> None:
    (context / ".dockerignore").write_text("**/*.log\nout\n")
    assert names(request(context)) == [
        "Dockerfile", ".dockerignore", "a.py", "empty", "sub", "sub/c.py",
    ]  # fmt: skip
    assert names(request(context, ignore_text="*\n!sub/c.py\n")) == ["Dockerfile", "sub/c.py"]


def test_another_dockerfile_in_the_context_is_left_alone(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM other\n")
    assert names(request(context))[:2] == [".dockcycle.Dockerfile", "Dockerfile"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"secrets": {"t": "v"}}, "secret mounts"),
        ({"dockerfile_text": "FROM x\nRUN --mount=type=secret,id=t cat t\n"}, "secret mounts"),
        ({"dockerfile_text": "FROM x\nRUN --mount=type=ssh git clone x\n"}, "SSH mounts"),
        ({"contexts": {"docs": "/docs"}}, "named build contexts"),
        ({"platforms": ("linux/amd64", "linux/arm64")}, "several platforms"),
    ],
)
def test_what_needs_buildx_says_so(fields: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=words) as caught:
        check_possible(request(tmp_path, **fields))
    assert "buildx" in caught.value.hint


def test_cache_mounts_need_nothing(tmp_path: Path) -> None:
    text = "FROM x\nRUN --mount=type=cache,target=/c make\n"
    check_possible(request(tmp_path, dockerfile_text=text, platforms=("linux/amd64",)))


def test_the_line_of_an_instruction_is_found() -> None:
    text = "# RUN make all\nFROM x\n\nRUN make \\\n  all\nRUN <<E\nRUN make\nE\nRUN make\n"
    assert find_line(text, "RUN make   all") == 4
    assert find_line(text, "RUN make") == 9
    assert find_line(text, "RUN other") is None
    assert find_line("RUN <<E\nno end", "RUN x") is None


# the report


def field(number: int, value: bytes | int) -> bytes:
    """One field in protobuf's wire format."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_the_report_of_the_engine_is_understood() -> None:
    started = field(1, 1_700_000_000) + field(2, 500_000_000)
    done = field(1, 1_700_000_002) + b"\x1d\x00\x00\x00\x00"  # a 32-bit field that nobody knows
    vertex = b"".join(
        (field(1, b"sha256:v"), field(2, b"sha256:u"), field(3, "RUN ü".encode()), field(4, 1),
         field(5, started), field(6, done), field(7, b"it broke"))
    )  # fmt: skip
    log = field(1, b"sha256:v") + field(3, 1) + field(4, b"hello\n")
    status = from_trace(base64.b64encode(field(1, vertex) + field(3, log)).decode())
    (found,) = status.vertexes
    assert (found.id, found.name, found.cached) == ("sha256:v", "RUN ü", True)
    assert (found.started, found.completed, found.error) == (
        1_700_000_000.5, 1_700_000_002.0, "it broke",
    )  # fmt: skip
    assert [(entry.vertex, entry.data) for entry in status.logs] == [("sha256:v", b"hello\n")]
