"""What buildx is called with and what it says."""

from __future__ import annotations

import base64
import itertools
import json
import os
from pathlib import Path

import pytest

from pipeline.adapters.buildx import (
    BuildFiles,
    Buildx,
    Outcome,
    Report,
    build_files,
    buildx_argv,
    run_buildx,
)
from pipeline.adapters.docker.solve import Steps
from pipeline.errors import Unusable
from pipeline.ports.engine import BuildRequest, BuildStep
from pipeline.scope import Scope

NEW, OLD = Buildx("/p/docker-buildx", "0.13.1"), Buildx("/p/docker-buildx", "0.9.0")
FILES = BuildFiles("/t/Dockerfile", "/t/iid", "/t/metadata")


class Heard:
    """A listener that writes down what it hears, in order."""

    def __init__(self) -> None:
        self.steps: list[BuildStep] = []
        self.lines: list[tuple[str, str]] = []
        self.notices: list[tuple[str, str]] = []

    def step(self, step: BuildStep) -> None:
        self.steps.append(step)

    def line(self, step: str, text: str) -> None:
        self.lines.append((step, text))

    def notice(self, message: str, hint: str) -> None:
        self.notices.append((message, hint))

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(step.name, step.state) for step in self.steps]


def request(**fields: object) -> BuildRequest:
    return BuildRequest.model_validate(
        {"context": "/app", "dockerfile_text": "FROM scratch\n", **fields}
    )


def options(argv: list[str], name: str) -> list[str]:
    return [value for option, value in itertools.pairwise(argv) if option == name]


def test_the_smallest_build() -> None:
    assert buildx_argv(NEW, request(), FILES) == [
        "/p/docker-buildx", "build", "--progress", "rawjson", "--file", "/t/Dockerfile", "--load",
        "--iidfile", "/t/iid", "--metadata-file", "/t/metadata", "--provenance=false",
        "--", "/app",
    ]  # fmt: skip


def test_an_old_buildx_is_asked_for_what_it_knows() -> None:
    argv = buildx_argv(OLD, request(), FILES)
    assert options(argv, "--progress") == ["plain"]
    assert "--provenance=false" not in argv


@pytest.mark.parametrize(
    ("version", "known"),
    [("0.13.0", True), ("0.13.0-rc1", True), ("0.12.9", False), ("1.0", True), ("odd", False)],
)
def test_versions_are_compared_by_number(version: str, known: bool) -> None:
    assert Buildx("x", version).at_least((0, 13)) is known


def test_every_option_has_its_words() -> None:
    argv = buildx_argv(
        NEW,
        request(
            target="prod", args={"A": "1", "B": "x y"}, tags=("a:1", "b:2"), labels={"l": "v=w"},
            platforms=("linux/amd64", "linux/arm64"), cache_from=("type=gha",),
            cache_to=("type=inline",), ssh=("default",), contexts={"docs": "/docs"},
            extra_hosts={"db": "10.0.0.1"}, network="host", no_cache=True, pull=True,
        ),
        FILES,
    )  # fmt: skip
    assert options(argv, "--target") == ["prod"]
    assert options(argv, "--build-arg") == ["A=1", "B=x y"]
    assert options(argv, "--tag") == ["a:1", "b:2"]
    assert options(argv, "--label") == ["l=v=w"]
    assert options(argv, "--platform") == ["linux/amd64,linux/arm64"]
    assert options(argv, "--cache-from") == ["type=gha"]
    assert options(argv, "--cache-to") == ["type=inline"]
    assert options(argv, "--ssh") == ["default"]
    assert options(argv, "--build-context") == ["docs=/docs"]
    assert options(argv, "--add-host") == ["db:10.0.0.1"]
    assert options(argv, "--network") == ["host"]
    assert {"--no-cache", "--pull"} <= set(argv)


def test_a_context_is_never_an_option() -> None:
    assert buildx_argv(NEW, request(context="--push"), FILES)[-2:] == ["--", "--push"]


def test_secrets_are_neither_in_the_command_nor_in_a_file() -> None:
    wanted = request(secrets={"token": "s3cr3t", "odd,id": "other"}, ignore_text="*.log\n")
    with build_files(wanted) as files:
        argv = buildx_argv(NEW, wanted, files)
        assert "s3cr3t" not in " ".join(argv)
        first, second = options(argv, "--secret")
        assert first == f"id=token,src={files.secrets['token']}"
        assert second.startswith('"id=odd,id",src=')
        assert Path(files.secrets["token"]).read_text() == "s3cr3t"
        assert Path(files.secrets["token"]).read_text() == "s3cr3t"  # as often as it is asked for
        folder = Path(files.dockerfile).parent
        assert folder.stat().st_mode & 0o077 == 0
        assert {path.name for path in folder.iterdir()} == {"Dockerfile", "Dockerfile.dockerignore"}
        assert (folder / "Dockerfile.dockerignore").read_text() == "*.log\n"
    assert not folder.exists()
    for descriptor in files.descriptors:
        with pytest.raises(OSError):
            os.fstat(descriptor)


def test_without_rules_of_its_own_the_context_has_its_say() -> None:
    with build_files(request()) as files:
        assert not Path(files.dockerfile + ".dockerignore").exists()
    with build_files(request(ignore_text="")) as files:
        assert Path(files.dockerfile + ".dockerignore").read_text().startswith("#")


# what it says


def vertex(name: str, started: int | None = None, completed: int | None = None,
           **more: object) -> dict[str, object]:  # fmt: skip
    """Times in seconds of one minute."""
    times = {"started": started, "completed": completed}
    stamps = {k: f"2026-01-01T00:00:{v:02}.5Z" for k, v in times.items() if v is not None}
    return {"digest": f"sha256:{name}", "name": name, **stamps, **more}


def log(name: str, text: str) -> dict[str, object]:
    return {"vertex": f"sha256:{name}", "data": base64.b64encode(text.encode()).decode()}


def read(*documents: dict[str, object], indent: int | None = None) -> tuple[Heard, Report]:
    heard = Heard()
    report = Report(Steps(heard), rawjson=True)
    for document in documents:
        for line in json.dumps(document, indent=indent).splitlines():
            report.line(line)
    report.steps.close()
    return heard, report


@pytest.mark.parametrize("indent", [None, 2])
def test_a_build_is_told_step_by_step(indent: int | None) -> None:
    heard, report = read(
        {"vertexes": [vertex("load", 1, 2), vertex("RUN a"), vertex("RUN b")]},
        {"vertexes": [vertex("RUN a", 2)]},
        {"logs": [log("RUN a", "one\ntw"), log("RUN a", "o\n"), log("RUN a", "{")]},
        {"vertexes": [vertex("RUN a", 2, 5)]},
        {"vertexes": [vertex("RUN b", 5, 5, cached=True)]},
        indent=indent,
    )  # fmt: skip
    assert heard.told == [
        ("load", "started"), ("load", "done"), ("RUN a", "started"), ("RUN a", "done"),
        ("RUN b", "cached"),
    ]  # fmt: skip
    assert heard.lines == [("RUN a", "one"), ("RUN a", "two"), ("RUN a", "{")]
    assert [step.seconds for step in heard.steps] == [0, 1, 0, 3, 0]
    assert len({step.id for step in heard.steps}) == 3
    assert (report.steps.failed, list(report.messages)) == (None, [])


def test_a_step_that_begins_anew_ends_once() -> None:
    heard, _ = read(
        {"vertexes": [vertex("load", 1, 1)]},
        {"vertexes": [vertex("load", 1)]},
        {"vertexes": [vertex("load", 1, 3)]},
        {"vertexes": [vertex("load", 1, 3)]},
    )
    assert heard.told == [("load", "started"), ("load", "done")]
    assert heard.steps[-1].seconds == 2


def test_the_step_that_broke_is_known_with_its_output() -> None:
    heard, report = read(
        {"vertexes": [vertex("[a 1/2] RUN x", 1), vertex("[base 2/4] RUN make", 1)]},
        {"logs": [log("[base 2/4] RUN make", "gcc: no such file\n")]},
        {"vertexes": [
            vertex("[a 1/2] RUN x", 1, 2, error="context canceled"),
            vertex("[base 2/4] RUN make", 1, 2, error='process "/bin/sh -c make" did not complete '
                   "successfully: exit code: 2"),
        ]},
    )  # fmt: skip
    failed = report.steps.failed
    assert failed is not None
    assert (failed.instruction, failed.reason) == ("RUN make", "exit code 2")
    assert failed.output == "gcc: no such file"
    assert heard.told[-1] == ("[base 2/4] RUN make", "error")


def test_warnings_are_passed_on() -> None:
    short = base64.b64encode(b"JSON arguments recommended").decode()
    heard, _ = read({"warnings": [{"short": short, "url": "https://docs.docker.com/w"}]})
    assert heard.notices == [("JSON arguments recommended", "https://docs.docker.com/w")]


def test_other_words_are_kept_apart() -> None:
    report = Report(Steps(Heard()), rawjson=True)
    for line in ("{}", "Dockerfile:7", "-" * 20, " 7 | >>> RUN make", "-" * 20, "",
                 "ERROR: failed to solve: it broke"):  # fmt: skip
        report.line(line)
    outcome = Outcome(1, (), report.steps, tuple(report.messages))
    assert (outcome.line, outcome.error) == (7, "it broke")


def test_without_a_last_word_everything_counts() -> None:
    outcome = Outcome(1, (), Steps(Heard()), ("unknown flag: --x", "see help"))
    assert (outcome.line, outcome.error) == (None, "unknown flag: --x\nsee help")


PLAIN = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 81B done
#1 DONE 0.1s

#4 [1/3] FROM docker.io/library/busybox:1
#4 CACHED

#5 [2/3] RUN echo hello
#5 0.145 hello
#5 DONE 0.4s

#6 [3/3] RUN exit 3
#6 0.166 there
#6 ERROR: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
------
 > [3/3] RUN exit 3:
------
Dockerfile:4
--------------------
ERROR: failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
"""


def test_the_plain_report_tells_the_same() -> None:
    heard = Heard()
    report = Report(Steps(heard), rawjson=False)
    for line in PLAIN.splitlines():
        report.line(line)
    report.steps.close()
    internal = "[internal] load build definition from Dockerfile"
    base = "[1/3] FROM docker.io/library/busybox:1"
    assert heard.told == [
        (internal, "started"), (internal, "done"), (base, "started"), (base, "cached"),
        ("[2/3] RUN echo hello", "started"), ("[2/3] RUN echo hello", "done"),
        ("[3/3] RUN exit 3", "started"), ("[3/3] RUN exit 3", "error"),
    ]  # fmt: skip
    assert heard.lines == [("[2/3] RUN echo hello", "hello"), ("[3/3] RUN exit 3", "there")]
    failed = report.steps.failed
    assert failed is not None
    assert (failed.instruction, failed.reason) == ("RUN exit 3", "exit code 3")
    assert Outcome(1, (), report.steps, tuple(report.messages)).line == 4


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("ERROR: writing image ID file: write $folder/iid: no space left on device", True),
        ("ERROR: failed to solve: write /var/lib/apt/x: no space left on device", False),
    ],
)
def test_a_full_disk_on_this_machine_is_told_apart_from_one_in_the_build(
    said: str, ours: bool, tmp_path: Path
) -> None:
    script = tmp_path / "docker-buildx"
    script.write_text(
        '#!/bin/sh\nwhile [ "$1" != --iidfile ]; do shift; done\nfolder=$(dirname "$2")\n'
        f'echo "{said}"; exit 1\n'
    )
    script.chmod(0o755)

    def build() -> Outcome:
        return run_buildx(Buildx(str(script), "0.13.1"), request(), {}, Heard(), Scope(30))

    if ours:
        with pytest.raises(Unusable, match="no space is left for temporary files in") as caught:
            build()
        assert "TMPDIR" in caught.value.hint
    else:
        assert "no space left" in build().error
