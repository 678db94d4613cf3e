"""Files that are no pipeline: too large, not text, not YAML, or made to do harm."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import yaml_source
from pipeline.config.nodes import locate, to_data
from pipeline.config.yaml_errors import MAX_DEPTH, TOO_DEEP
from pipeline.config.yaml_source import MAX_BYTES, MAX_WEIGHT, parse, read
from pipeline.errors import ConfigError, UsageError


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: the C one, and the one of installations without it."""
    monkeypatch.setattr(yaml_source, "_LOADER", getattr(yaml, request.param))


def data(text: str) -> Any:
    node = parse(text, "f.yml")
    return None if node is None else to_data(node)


def refusal(text: str) -> tuple[int | None, int | None, str, str]:
    """Line, column, message and hint of the first problem."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yml")
    first = caught.value.problems[0]
    return first.where.line, first.where.column, first.message, first.hint


TABS = ("a tab is used for indentation", "Indent with spaces.")
FIT = (
    "the indentation does not fit the lines above",
    "What belongs together starts in the same column.",
)
QUOTES = "Put the text in quotes."


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n", (2, 1, *TABS)),
        ("a:\n  b: 1\n\tc: 2\n", (3, 1, *TABS)),
        ("a:\n-\tb: 1\n \t- c\n", (2, 2, *TABS)),
        ("version: 1\nname\nstages:\n",
         (2, 1, "`name` is no `key: value`", "Write `name: …`, or indent it further.")),
        ("a:\n    b: 1\n  c: 2\n", (3, 3, *FIT)),
        ("a: 1\n- b\n", (2, 1, *FIT)),
        ("- a\nb: 1\n", (2, 1, *FIT)),
        ('a: "abc\nb: 1\n',
         (1, 4, "a quote is opened here and never closed", "Add the closing quote.")),
        ("a: 'abc\n", (1, 4, "a quote is opened here and never closed", "Add the closing quote.")),
        ("a: [1, 2\nb: 3\n", (1, 4, "`[` is opened here and not closed", "Add the `]`.")),
        ("a: [1, 2", (1, 4, "`[` is opened here and not closed", "Add the `]`.")),
        ("a: {b: 1\nc: 3\n", (1, 4, "`{` is opened here and not closed", "Add the `}`.")),
        ("run: {port: ${PORT:-80}}\n",
         (1, 13, "`${…}` needs quotes inside of `{ }`", 'Write "${…}".')),
        ("args: {A: 1, B: x${A}}\n",
         (1, 18, "`${…}` needs quotes inside of `{ }`", 'Write "${…}".')),
        ("a: ]\n", (1, 4, "something is missing before this", QUOTES)),
        ("a: @foo\n", (1, 4, "text cannot start with `@` here", QUOTES)),
        ("a: %foo\n", (1, 4, "text cannot start with `%` here", QUOTES)),
        ("branch: *\n", (1, 9, "text cannot start with `*` here", QUOTES)),
        ("a: b: c\n", (1, 5, "a second `:` in one line", QUOTES)),
        ('a: "\\q"\n',
         (1, 5, "`\\q` means nothing between double quotes",
          "Use single quotes: between them a backslash is itself.")),
        ("a: - b\n",
         (1, 4, "a list cannot begin on the line of its key", "Begin it on the next line.")),
        ("a: |x\n  b\n",
         (1, 5, "after `|` or `>` the text begins on the next line", QUOTES)),
        ("a: 1\nb: \x01\n", (2, 4, "a control character (0x01)", "Remove it.")),
        ("a: é\x07\n", (1, 5, "a control character (0x07)", "Remove it.")),
        ("a: 1\n---\nb: 2\n",
         (2, 1, "a second document starts here", "Remove the `---`: a file holds one document.")),
        ("port: {{ port }}\n",
         (1, 8, "a list or mapping stands where a key is expected",
          "Text that starts with `{` or `[` goes in quotes.")),
        ("a: !!python/object/apply:os.system [id]\n",
         (1, 4, "the tag `!!python/object/apply:os.system` is not allowed here",
          "Remove it; text that starts with `!` goes in quotes.")),
        ("a: !vault x\n",
         (1, 4, "the tag `!vault` is not allowed here",
          "Remove it; text that starts with `!` goes in quotes.")),
        ("a: !!int x\n", (1, 4, "`x` is no int, as its tag `!!int` says", "")),
        ("a: 1\nb: 2\na: 3\n",
         (3, 1, "the key `a` stands here for the second time",
          "The first one is in line 1: remove one, or merge the two.")),
        ("base: &base {a: 1}\nb: *bose\n",
         (2, 4, "the alias `*bose` refers to no anchor above it", "Did you mean `*base`?")),
        ("a: *x\n",
         (1, 4, "the alias `*x` refers to no anchor above it",
          "Text that starts with `*` goes in quotes.")),
        ("a: &a [*a]\n", (1, 8, "`*a` stands inside of what it refers to", "")),
        ("a: &a\n  <<: *a\n", (2, 7, "`*a` stands inside of what it refers to", "")),
        ("a:\n  <<: 5\n", (2, 7, "`<<` takes a mapping, or a list of mappings", "")),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_plain_words_at_its_place(
    text: str, expected: tuple[int, int, str, str]
) -> None:
    assert refusal(text) == expected


def test_all_duplicate_keys_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f.yml")
    assert [problem.where.line for problem in caught.value.problems] == [2, 3]


@pytest.mark.usefixtures("loader")
def test_an_alias_bomb_is_refused_before_it_explodes() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    started = time.monotonic()
    line, _, message, hint = refusal("\n".join(lines))
    assert line is not None and line < 10
    assert (
        message == f"too much content: more than {MAX_WEIGHT} values with all aliases written out"
    )
    assert hint == "Aliases that contain aliases multiply; use fewer of them."
    assert time.monotonic() - started < 5


def test_aliases_of_long_texts_are_limited_too() -> None:
    bomb = "a: &a " + "x" * 500_000 + "\n" + "".join(f"b{n}: *a\n" for n in range(10))
    assert refusal(bomb)[2].startswith("too much content")


@pytest.mark.usefixtures("loader")
def test_deep_nesting_is_refused_without_recursion() -> None:
    assert refusal("a: " + "[" * 100_000)[2] == TOO_DEEP


def test_depth_through_aliases_counts() -> None:
    half = MAX_DEPTH // 2 + 2
    text = f"a: &a {'[' * half}{']' * half}\nb: {'[' * half}*a{']' * half}\n"
    assert refusal(text)[2] == TOO_DEEP


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("name: a\n" + "# filler\n" * 230_000)
    with pytest.raises(ConfigError) as caught:
        read(file, "pipeline.yml")
    assert str(caught.value) == (
        "pipeline.yml: the file is too large: 2.1 MB, at most 1.0 MB are read"
    )
    assert caught.value.hint == "Is it a pipeline file? Keep data in files of their own."


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("name: a\n" + "#" * (MAX_BYTES - 8))
    assert to_data_of(read(file, "f")) == {"name": "a"}


def to_data_of(result: tuple[str, Any]) -> Any:
    return to_data(result[1])


def test_what_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_bytes("name: a\n# Grüße\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read(file, "pipeline.yml")
    assert str(caught.value) == "pipeline.yml:2: this is not UTF-8 text (byte 0xfc)"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_bytes(b"\xef\xbb\xbfname: a\r\nstages:\r\n  - code\r\n")
    assert to_data_of(read(file, "f")) == {"name": "a", "stages": ["code"]}


def test_a_directory_and_an_unreadable_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^pipeline is a directory, not a file$"):
        read(tmp_path, "pipeline")
    with pytest.raises(UsageError, match=r"^gone cannot be read: No such file or directory$"):
        read(tmp_path / "gone", "gone")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("False", False),
        ("8080", 8080), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("1.5", 1.5), ("1e3", 1000.0),
        ("yes", "yes"), ("on", "on"), ("no", "no"), ("22:22", "22:22"),
        ("2024-01-01", "2024-01-01"), ("1_000", "1_000"), (".inf", ".inf"), ("12e4567", "12e4567"),
        ("'8080'", "8080"), ('"true"', "true"), ("!!str 8080", "8080"), ("! 8080", "8080"),
        ("!!int '8080'", 8080), ("!!float 1", 1), ("9" * 40, "9" * 40),
    ],
)  # fmt: skip
def test_values_are_read_by_the_core_rules_of_yaml_1_2(text: str, value: object) -> None:
    found = data(f"a: {text}\n")["a"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("written", ["3.10", "1.0", "007", "0x1F", "1e3", "+5"])
def test_numbers_remember_how_they_are_written(written: str) -> None:
    number = data(f"a: {written}\n")["a"]
    assert isinstance(number, (int, float))
    assert str(number) == f"{number}" == written


@pytest.mark.usefixtures("loader")
def test_anchors_and_merge_keys() -> None:
    text = """
x-a: &a {k: 1, l: 2}
x-b: &b {l: 3, m: 4}
own: {<<: *a, k: 9}
list: {<<: [*a, *b], n: 5}
quoted: {"<<": text}
"""
    assert data(text) == {
        "x-a": {"k": 1, "l": 2},
        "x-b": {"l": 3, "m": 4},
        "own": {"k": 9, "l": 2},
        "list": {"n": 5, "k": 1, "l": 2, "m": 4},
        "quoted": {"<<": "text"},
    }


def test_keys_are_text_as_written() -> None:
    assert data("{on: 1, 8080: 2, true: 3, 1.0: 4}") == {"on": 1, "8080": 2, "true": 3, "1.0": 4}


def test_nothing_at_all_is_none() -> None:
    assert data("") is None
    assert data("# only a comment\n") is None
    assert data("---\n") is None


def test_locations_are_of_keys_and_values() -> None:
    node = parse("a:\n  b: [x, {c: 1}]\n", "f.yml")
    assert node is not None
    value, key = locate(node, ("a", "b", 1, "c")), locate(node, ("a", "b", 1, "c"), key=True)
    assert (value.line, value.column, value.key) == (2, 14, "a.b[1].c")
    assert (key.line, key.column, key.key) == (2, 11, "a.b[1].c")


def test_the_location_of_what_is_not_there_is_that_of_what_is() -> None:
    node = parse("a:\n  b: 1\n", "f.yml")
    assert node is not None
    assert (locate(node, ("a", "zz")).line, locate(node, ("a", "zz")).key) == (2, "a.zz")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_what_pyyaml_writes_is_read_back(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    assert data(text) == value


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@\t\n ,?<0."), max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        data(text)
    except ConfigError as error:
        assert all(problem.where.line for problem in error.problems)
        assert "\n" not in str(error)
