from __future__ import annotations

from pipeline.adapters.lines import LineSplitter, Tail


def test_lines_are_put_together_from_pieces() -> None:
    splitter = LineSplitter()
    pieces = [b"on", b"e\ntw", b"o\r\n", b"\nthr\xc3", b"\xb6e"]
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert lines == ["one", "two", ""]
    assert splitter.flush() == ["thröe"]
    assert splitter.flush() == []


def test_a_line_without_end_is_handed_on_in_parts() -> None:
    splitter = LineSplitter(longest=10)
    lines = splitter.feed(b"x" * 25) + splitter.feed(b"y\n")
    assert "".join(lines) == "x" * 25 + "y"
    assert max(map(len, lines)) == 10


def test_what_is_no_text_is_marked() -> None:
    assert LineSplitter().feed(b"a\xffb\n") == ["a\ufffdb"]


def test_the_end_of_an_output_is_kept() -> None:
    tail = Tail(limit=10)
    for number in range(1000):
        tail.add(b"%03d " % number)
    assert tail.text == "7 998 999 "
