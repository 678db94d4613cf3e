"""What people write is read as the builder reads it, and mistakes have their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import parse, render

EVERYTHING = r"""
# syntax=docker/dockerfile:1

# The base that all share.
ARG VERSION=3.13
FROM --platform=$BUILDPLATFORM python:${VERSION}-slim AS base
from base
label maintainer="Ada \"the first\"" version=1
ENV PATH /venv/bin:$PATH
ENV A=1 \
    # why
    B="two words" \

    C=three\ words
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=token,required \
    pip install \
      -r requirements.txt && \
    echo done
RUN ["/bin/echo", "exec \u00e9"]
RUN <<-EOF cat > /etc/motd
	hello
	EOF
COPY --from=base --chown=app:app --link a.txt b.txt /dest/
COPY ["with space.txt", "/dest dir/"]
ADD --checksum=sha256:0 https://example.com/x.tgz /x
COPY <<"ONE" <<TWO /etc/conf.d/
$literal
ONE
second
TWO
VOLUME /data /logs
VOLUME ["/with space"]
EXPOSE 80 443/tcp
USER app:app
WORKDIR /srv/my app
STOPSIGNAL SIGQUIT
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
HEALTHCHECK --interval=5s --retries=3 CMD curl -f http://localhost/ || exit 1
HEALTHCHECK NONE
ONBUILD RUN --network=none make
ENTRYPOINT ["tini", "--"]
CMD serve --port $PORT
""".lstrip()


def test_every_instruction_as_people_write_it() -> None:
    dockerfile = parse(EVERYTHING)
    instructions = list(dockerfile.instructions)
    assert dockerfile.directives == (("syntax", "docker/dockerfile:1"),)
    assert instructions == [
        m.Arg((("VERSION", "3.13"),)),
        m.From("python:${VERSION}-slim", "base", flags=(("platform", "$BUILDPLATFORM"),)),
        m.From("base"),
        m.Label((("maintainer", r'"Ada \"the first\""'), ("version", "1"))),
        m.Env((("PATH", "/venv/bin:$PATH"),)),
        m.Env((("A", "1"), ("B", '"two words"'), ("C", r"three\ words"))),
        m.Run(
            m.ShellForm("pip install \n      -r requirements.txt && \n    echo done"),
            flags=(
                ("mount", "type=cache,target=/root/.cache/pip"),
                ("mount", "type=secret,id=token,required"),
            ),
        ),
        m.Run(m.ExecForm(("/bin/echo", "exec é"))),
        m.Run(m.ShellForm("<<-EOF cat > /etc/motd"), ("\thello\n",)),
        m.Copy(
            ("a.txt", "b.txt"),
            "/dest/",
            flags=(("from", "base"), ("chown", "app:app"), ("link", None)),
        ),
        m.Copy(("with space.txt",), "/dest dir/"),
        m.Add(("https://example.com/x.tgz",), "/x", flags=(("checksum", "sha256:0"),)),
        m.Copy(('<<"ONE"', "<<TWO"), "/etc/conf.d/", ("$literal\n", "second\n")),
        m.Volume(("/data", "/logs")),
        m.Volume(("/with space",)),
        m.Expose(("80", "443/tcp")),
        m.User("app:app"),
        m.Workdir("/srv/my app"),
        m.StopSignal("SIGQUIT"),
        m.Shell(("/bin/bash", "-o", "pipefail", "-c")),
        m.Healthcheck(
            m.ShellForm("curl -f http://localhost/ || exit 1"),
            flags=(("interval", "5s"), ("retries", "3")),
        ),
        m.Healthcheck(None),
        m.Onbuild(m.Run(m.ShellForm("make"), flags=(("network", "none"),))),
        m.Entrypoint(m.ExecForm(("tini", "--"))),
        m.Cmd(m.ShellForm("serve --port $PORT")),
    ]
    assert parse(render(dockerfile)) == dockerfile


def test_every_instruction_knows_its_line() -> None:
    lines = EVERYTHING.split("\n")
    for instruction in parse(EVERYTHING).instructions:
        assert lines[instruction.line - 1].upper().startswith(instruction.keyword)


def test_old_form_of_env_with_several_words() -> None:
    assert parse("FROM a\nENV TEXT it is  fine\n").items[1] == m.Env((("TEXT", 'it" "is"  "fine'),))


def test_windows_line_ends_and_byte_order_mark() -> None:
    assert parse("\ufeffFROM a\r\nRUN b \\\r\n  c\r\n").items == (
        m.From("a"),
        m.Run(m.ShellForm("b \n  c")),
    )


def test_effective_follows_stages_within_the_file() -> None:
    dockerfile = parse(
        "FROM x AS base\nEXPOSE 80\nFROM base AS mid\nUSER me\nFROM y\nFROM MID\nCMD a\n"
    )
    assert [item.keyword for item in dockerfile.effective()] == ["EXPOSE", "USER", "CMD"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "no instruction"),
        ("# only a comment\n", 1, "no instruction"),
        ("ARG A\nRUN x\nFROM a\n", 2, "first instruction must be FROM"),
        ("FROM a\n\nRUM x\n", 3, "no instruction RUM"),
        ("FROM a\nMAINTAINER\n", 2, "MAINTAINER needs"),
        ("FROM a\nONBUILD MAINTAINER me\n", 2, "cannot be put off"),
        ("FROM a b\n", 1, "FROM takes"),
        ("FROM a AS 1x\n", 1, "no name for a stage"),
        ("FROM a\nRUN\n", 2, "RUN needs a value"),
        ("FROM a\nCOPY x\n", 2, "a source and a destination"),
        ("FROM a\nENV A\n", 2, "a name and a value"),
        ("FROM a\nENV A=1 B\n", 2, "B has no value"),
        ("FROM a\nCMD [1]\n", 2, "only have strings"),
        ("FROM a\nSHELL sh\n", 2, "list in JSON"),
        ("FROM a\nHEALTHCHECK curl\n", 2, "NONE, or CMD"),
        ("FROM a\nONBUILD FROM b\n", 2, "cannot be put off"),
        ("FROM a\nRUN <<EOF\nx\n", 2, "does not end"),
        ("# escape=x\nFROM a\n", 1, "escape is either"),
        ("# escape=`\n# escape=`\nFROM a\n", 2, "given twice"),
    ],
)
def test_mistakes_have_their_line(text: str, line: int, says: str) -> None:
    with pytest.raises(StageFailed, match=says) as raised:
        parse(text, "docker/Dockerfile")
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == ("docker/Dockerfile", line)


def test_a_wrong_instruction_has_a_suggestion() -> None:
    with pytest.raises(StageFailed) as raised:
        parse("FROM a\nWORKDIRR /x\n")
    assert "WORKDIR" in raised.value.hint


def test_an_old_file_may_still_name_its_maintainer() -> None:
    dockerfile = parse("FROM a\nMAINTAINER Ada <ada@example.com>\n")
    assert list(dockerfile.instructions)[1] == m.Maintainer("Ada <ada@example.com>")
    assert parse(render(dockerfile)) == dockerfile


def test_an_instruction_knows_its_last_line_without_heredocs() -> None:
    text = "FROM a\nRUN x \\\n  # why\n  y\n\nRUN <<EOF\nz\nEOF\nUSER 1"
    places = [(item.keyword, item.line, item.end) for item in parse(text).instructions]
    assert places == [("FROM", 1, 1), ("RUN", 2, 4), ("RUN", 6, 6), ("USER", 9, 9)]


def test_the_examples_survive() -> None:
    root = Path(__file__).parents[4]
    files = sorted((root / "examples").rglob("Dockerfile"))
    assert files
    for file in files:
        dockerfile = parse(file.read_text())
        assert parse(render(dockerfile)) == dockerfile
