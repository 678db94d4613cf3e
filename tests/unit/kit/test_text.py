import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kit.text import Tail, human_bytes, human_duration, sanitize, show_value, tail

RED, RESET = "\x1b[31m", "\x1b[0m"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("naïve 日本 🚀", "naïve 日本 🚀"),
        ("a\tb", "a\tb"),
        (f"{RED}red{RESET}", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;window title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("\x1b]0;never ended", "0;never ended"),
        ("half\x1b", "half"),
        ("\x1b\x1b[0m[31mnested", "[31mnested"),
        ("bell\x07 back\x08space\x00", "bell backspace"),
        ("one\ntwo\u2028three\x85four", "one two three four"),
        ("ends\r\n", "ends"),
        ("one\r\ntwo\r\n", "one two"),
        ("10%\r20%\r100%", "100%"),
        ("100%\r", "100%"),
        ("\r", ""),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("bad \udcff byte", "bad � byte"),
        ("", ""),
    ],
)
def test_a_line_is_made_harmless(raw: str, clean: str) -> None:
    assert sanitize(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (f"{RED}red{RESET} text", f"{RED}red{RESET} text"),
        (f"{RED}leaks", f"{RED}leaks{RESET}"),
        (f"{RED}a{RESET}\x1b[1mb", f"{RED}a{RESET}\x1b[1mb{RESET}"),
        ("\x1b[38;5;196mx\x1b[m", "\x1b[38;5;196mx\x1b[m"),
        (f"{RED}\x1b[2Jx{RESET}", f"{RED}x{RESET}"),
        ("no colour", "no colour"),
    ],
)
def test_colour_can_be_kept_and_never_leaks_into_the_next_line(raw: str, clean: str) -> None:
    assert sanitize(raw, keep_colour=True) == clean


HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b[];?m0123HJ\\\x07\r\n\x00\x9c\u202e"), st.characters()
    ),
    max_size=60,
)


@settings(deadline=None)
@given(HOSTILE)
def test_no_control_byte_survives(raw: str) -> None:
    clean = sanitize(raw)
    assert not re.search(
        "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", clean
    )
    clean.encode()
    assert sanitize(clean) == clean


@settings(deadline=None)
@given(HOSTILE)
def test_with_colour_kept_the_only_escapes_are_colours(raw: str) -> None:
    clean = sanitize(raw, keep_colour=True)
    assert re.sub(r"\x1b\[[0-9;:]*m", "", clean) == sanitize(raw)


def test_the_tail_keeps_the_end_and_counts_everything() -> None:
    end = Tail(3)
    for number in range(10):
        end.add(f"line {number}\r\n")
    assert end.lines == ("line 7", "line 8", "line 9")
    assert end.text == "line 7\nline 8\nline 9"
    assert end.count == 10


def test_the_tail_is_bounded_in_width_too() -> None:
    end = Tail(1, width=10)
    end.add("x" * 1_000_000)
    assert end.text == "xxxxxxxxxx…"


def test_tail_of_lines_is_one_text() -> None:
    assert tail(("a", "b", "c"), 2) == "b\nc"
    assert tail((), 2) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0 s"), (0.34, "0.3 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min"),
     (65, "1 min 5 s"), (3600, "1 h"), (7800, "2 h 10 min"), (90000, "1 d 1 h"), (-1, "0.0 s")],
)  # fmt: skip
def test_durations_for_people(seconds: float, shown: str) -> None:
    assert human_duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1449, "1.4 kB"), (9950, "10 kB"),
     (999_600, "1.0 MB"), (240_000_000, "240 MB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_sizes_for_people(count: int, shown: str) -> None:
    assert human_bytes(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", '"x"'), (3, "3"), (True, "true"), (None, "nothing"), ([], "a list"), ({}, "a mapping"),
     ("\x1b[31mred", '"red"'), ("x" * 100, '"' + "x" * 59 + '…"')],
)  # fmt: skip
def test_a_value_in_a_message(value: object, shown: str) -> None:
    assert show_value(value) == shown
