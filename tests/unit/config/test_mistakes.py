"""What a user is told for a mistake: the exact line, key, words and next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError, Exit
from tests.support.config import complaints, problems, read

HEAD = "name: hello\nstages:\n"
UP_TO_RUN = HEAD + "  - code\n  - build\n  - run\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My App"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["None : the file is empty | The least there must be: `name: my-app`."]),
        ("- code\n",
         ["1 : a pipeline file is a mapping of keys | The least there must be: `name: my-app`."]),
        ("stages: [code]\n", ["1 name: `name` is missing | Add `name: my-app`."]),
        ("name: My App\nstages: [code]\n",
         ['1 name: the project name "My App" may only have a-z, 0-9, - and _, and starts with a'
          ' letter or digit; "my-app" would do']),
        ("name: 5\nstages: [code]\n",
         ['1 name: `name` must be text, not 5 | Put it in quotes: "5".']),
        ("version: 2\nname: a\nstages: [code]\n", ["1 version: `version` must be 1, not 2"]),
        ("name: a\nstaegs: []\nstages: [code]\n",
         ["2 staegs: unknown key `staegs` | Did you mean `stages`?"]),
        ("name: a\nbuild: {target: x}\nstages: [code]\n",
         ["2 build: unknown key `build` | It is a stage: put `- build: …` under `stages:`."]),
    ],
)  # fmt: skip
def test_at_the_top(folder: Path, text: str, expected: list[str]) -> None:
    assert complaints(folder, text) == expected


ENTRY = (
    "this must be the name of a stage, alone or with its options"
    " | Write `- build` or `- build: {target: prod}`."
)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("  code:\n  build:\n",
         ["3 stages: `stages` must be a list | Put `- ` before each: `- code`."]),
        ("  []\n", ["3 : the list of stages is empty | Leave it out for all eight."]),
        ("  -\n  - ''\n  - [a]\n",
         [f"3 stages[0]: {ENTRY}", f"4 stages[1]: {ENTRY}", f"5 stages[2]: {ENTRY}"]),
        ("  - code\n  - biuld\n  - zzz: {a: 1}\n",
         ["4 stages.biuld: there is no stage `biuld` | Did you mean `build`?",
          "5 stages.zzz: there is no stage `zzz` | Possible here: build, code, operate, run,"
          " smoke."]),
        ("  - code\n  - build:\n    args: {A: 1}\n",
         ["4 stages[1]: a stage has more than one key: build, args | Indent the options of `build`"
          " further than `build` itself, and begin each stage with `- `."]),
        ("  - code: src\n  - build: [x]\n",
         ["3 stages.code: the options of code must be a mapping, not `src`"
          " | Write `code: {key: value}`.",
          "4 stages.build: the options of build must be a mapping, not a list"
          " | Write `build: {key: value}`."]),
        ("  - code\n  - build\n  - build: {target: x}\n",
         ["5 stages.build: a second stage is called build; the first is in line 4"
          " | Give this one a name of its own: `build: {name: build-2}`."]),
        ("  - code\n  - ./ci/scan.py:Scan\n",
         ["4 stages: a class needs a word of its own in the list"
          " | Write `- scan: {uses: ./ci/scan.py:Scan}`."]),
        ("  - code: {name: my code}\n",
         ["3 stages.code: `my code` is no name for a stage | Use letters, digits, - and _, at most"
          " 40, beginning with a letter or digit."]),
    ],
)  # fmt: skip
def test_in_the_list_of_stages(folder: Path, stages: str, expected: list[str]) -> None:
    assert complaints(folder, HEAD + stages) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("argz: {A: 1}", ["4 stages.build.argz: unknown key `argz` | Did you mean `args`?"]),
        ("jobs: 2, tags: latest",
         ['4 stages.build.tags: `tags` must be a list, not "latest" | Write it as `["latest"]`.']),
        ("retires: 3", ["4 stages.build.retires: unknown key `retires` | Did you mean `retries`?"]),
        ("zebra: 3",
         ["4 stages.build.zebra: unknown key `zebra` | Possible here: allow_failure, args, cache,"
          " jobs, memory, name, progress, retries, tags, target, timeout, uses, when."]),
        ("memory: lots",
         ['4 stages.build.memory: "lots" is not a size; write 512m, 1.5g or a number of bytes']),
        ("cache: maybe", ['4 stages.build.cache: `cache` must be true or false, not "maybe"']),
        ("progress: plane",
         ['4 stages.build.progress: `progress` cannot be "plane" | Did you mean `plain`?']),
        ("progress: loud",
         ['4 stages.build.progress: `progress` cannot be "loud" | Possible here: auto, plain,'
          " quiet."]),
        ("jobs: 99", ["4 stages.build.jobs: `jobs` must be at most 16, not 99"]),
        ("jobs: 0", ["4 stages.build.jobs: `jobs` must be at least 1, not 0"]),
        ("jobs: two", ['4 stages.build.jobs: `jobs` must be a whole number, not "two"']),
        ("jobs: 1.5", ["4 stages.build.jobs: `jobs` must be a whole number, not 1.5"]),
        ("args: [A=1]", ["4 stages.build.args: `args` must be a mapping, not a list"]),
        ("args: {A: [1]}",
         ["4 stages.build.args.A: a list is not a single value; write a string, a number or a"
          " boolean"]),
        ("args: {A: }",
         ['4 stages.build.args.A: there is no value; write "" for an empty one']),
        ("target: 3.10",
         ['4 stages.build.target: `target` must be text, not 3.10 | Put it in quotes: "3.10".']),
        ("target: true",
         ['4 stages.build.target: `target` must be text, not true | Put it in quotes: "true".']),
        ("target: {a: 1}", ["4 stages.build.target: `target` must be text, not a mapping"]),
        ("timeout: soon",
         ['4 stages.build.timeout: "soon" is not a duration; write 30s, 10m, 1h30m or a number of'
          " seconds"]),
        ("timeout: 0",
         ["4 stages.build.timeout: a limit of no time at all; write 30s, 10m or 1h30m"]),
        ("retries: -1", ["4 stages.build.retries: `retries` must be at least 0, not -1"]),
        ("allow_failure: 3",
         ["4 stages.build.allow_failure: `allow_failure` must be true or false, not 3"]),
        ("when: nver", ['4 stages.build.when: `when` cannot be "nver" | Did you mean `never`?']),
        ("when: {branh: main}",
         ["4 stages.build.when.branh: unknown key `branh` | Did you mean `branch`?"]),
        ("when: [main]",
         ["4 stages.build.when: `when` must be `always` or `never` or a mapping, not a list"]),
        ("when: {branch: {a: 1}}",
         ["4 stages.build.when.branch: `branch` must be a list, not a mapping"]),
        ("name: [x]", ["4 stages.build.name: `name` must be text, not a list"]),
        ("uses: [x]", ["4 stages.build.uses: `uses` must be text, not a list"]),
        ("target: '{secret:TOKN}'",
         ["4 stages.build.target: no secret TOKN is declared | Did you mean `TOKEN`?"]),
        ("target: '{secret:OTHER}'",
         ["4 stages.build.target: no secret OTHER is declared | Declare it at the top of the file:"
          " `secrets: {OTHER: {env: OTHER}}`."]),
        ("target: '${NOPE}'",
         ["4 stages.build.target: the variable NOPE is not set"
          " | Set it, put it into .env, or give a default: `${NOPE:-…}`."]),
        ("target: '${A'",
         ["4 stages.build.target: `${A` is followed by neither `}` nor `:-`"
          " | Write `${A}` or `${A:-default}`; `$${` is a literal `${`."]),
    ],
)  # fmt: skip
def test_in_options(folder: Path, options: str, expected: list[str]) -> None:
    text = f"{HEAD}  - code\n  - build: {{{options}}}\nsecrets: {{TOKEN: TOKEN}}\n"
    assert complaints(folder, text) == expected


@pytest.mark.parametrize("port", ["70000", "0", "http", "'8000:80'", "[80]", "80.5", "true"])
def test_a_bad_port(folder: Path, port: str) -> None:
    (problem,) = problems(folder, f"{HEAD}  - code\n  - build\n  - run: {{port: {port}}}\n")
    assert problem.message.endswith(" is not a port; a port is a number from 1 to 65535")
    assert (problem.where.line, problem.where.key) == (5, "stages.run.port")


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{get: /, statsu: 200}",
         ["checks[0].statsu: unknown key `statsu` | Did you mean `status`?"]),
        ("{get: /, status: ok}",
         ['checks[0].status: `status` must be a whole number or a list, not "ok"']),
        ("{get: /, status: [ok]}",
         ['checks[0].status[0]: `status[0]` must be a whole number, not "ok"']),
        ("{tcp: 0}",
         ["checks[0].tcp: 0 is not a port; a port is a number from 1 to 65535"]),
        ("{}", ["checks[0].get: `get` is missing"]),
        ("{get: /, tcp: 1}",
         ["checks[0].tcp: unknown key `tcp` | Possible here: get, status, within."]),
        ("5", ["checks[0]: `checks[0]` must be a mapping, not 5"]),
        ("{get: 1, within: x}",
         ['checks[0].get: `get` must be text, not 1 | Put it in quotes: "1".',
          'checks[0].within: "x" is not a duration; write 30s, 10m, 1h30m or a number of'
          " seconds"]),
    ],
)  # fmt: skip
def test_of_several_forms_the_one_that_was_meant_is_explained(
    folder: Path, check: str, expected: list[str]
) -> None:
    text = f"{UP_TO_RUN}  - smoke:\n      checks:\n        - {check}\n"
    assert complaints(folder, text) == [f"8 stages.smoke.{line}" for line in expected]


def test_text_or_mapping(folder: Path) -> None:
    text = HEAD + "  - code:\n      checks:\n" + "".join(
        f"        - {check}\n" for check in ("5", "{runn: x}", "{run: x, inn: y}", "{run: [a]}")
    )  # fmt: skip
    assert complaints(folder, text) == [
        "5 stages.code.checks[0]: `checks[0]` must be text or a mapping, not 5",
        "6 stages.code.checks[1].run: `run` is missing",
        "6 stages.code.checks[1].runn: unknown key `runn` | Did you mean `run`?",
        "7 stages.code.checks[2].inn: unknown key `inn` | Did you mean `in`?",
        "8 stages.code.checks[3].run: `run` must be text, not a list",
    ]


def test_what_is_required_and_what_must_not_be_empty(folder: Path) -> None:
    assert complaints(folder, UP_TO_RUN + "  - smoke\n") == [
        "6 stages.smoke.checks: `checks` is missing"
    ]
    assert complaints(folder, UP_TO_RUN + "  - smoke: {checks: []}\n") == [
        "6 stages.smoke.checks: `checks` must not be empty"
    ]


def test_secrets(folder: Path) -> None:
    text = """\
name: a
secrets:
  A: {value: hunter2}
  B: {}
  C: 5
  D-E: X
  F: {env: X, file: y}
  G: {enf: x}
  H: hunter2
  I: AKIAIOSFODNN7EXAMPLE
  J: {env: "hunter2!"}
  K: {env: lower_case}
stages: [code]
"""
    found = complaints(folder, text)
    assert found == [
        # No line of its own: what shows mistakes quotes their lines.
        *(
            f"None secrets.{name}: line {line}: the value of a secret does not belong into the file"
            f" | Write where it is: `{name}: {{env: {name}}}` or `{name}: {{file: path}}`."
            for name, line in {"A": 3, "C": 5, "H": 9, "I": 10, "J": 11}.items()
        ),
        "4 secrets.B: a secret has either `env` or `file`",
        "6 secrets.D-E: `D-E` is no name for a secret; use letters, digits and _, and begin with"
        " no digit",
        "7 secrets.F: a secret has either `env` or `file`",
        "8 secrets.G.enf: unknown key `enf` | Did you mean `env`?",
    ]
    assert "hunter2" not in "".join(found) and "AKIA" not in "".join(found)


def test_every_mistake_is_told_in_one_pass_in_the_order_of_the_file(folder: Path) -> None:
    text = """\
version: 3
name: Hello
stages:
  - code: {path: [x]}
  - biuld
  - run: {port: 0, retries: x}
extra: 1
"""
    assert [problem.where.line for problem in problems(folder, text)] == [1, 2, 4, 5, 6, 6, 7]


def test_the_error_says_the_first_and_how_many_more(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(folder, "name: Hello\nstages: [code, biuld]\n")
    assert str(caught.value).endswith('"hello" would do (and 1 more)')
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.where is not None and caught.value.where.line == 1


def test_a_mistake_in_what_an_anchor_holds_is_shown_where_it_is_written(folder: Path) -> None:
    text = f"x-run: &run\n  port: 0\n{UP_TO_RUN.replace('- run', '- run: *run')}"
    assert complaints(folder, text) == [
        "2 stages.run.port: 0 is not a port; a port is a number from 1 to 65535"
    ]


def test_files_are_named_from_the_working_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = problems(folder, "name: a\nstages: [x]\n")
    assert found.where.file == str(folder / "pipeline.yml")
    monkeypatch.chdir(folder.parent)
    (found,) = problems(folder, "name: a\nstages: [x]\n")
    assert found.where.file == "My App/pipeline.yml"


def test_control_bytes_of_a_value_never_reach_a_message(folder: Path) -> None:
    found = complaints(folder, HEAD + '  - code\n  - build: {cache: "\\e[2J\\e[31mx"}\n')
    assert found == ['4 stages.build.cache: `cache` must be true or false, not "x"']
