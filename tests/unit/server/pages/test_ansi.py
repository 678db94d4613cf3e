"""Foreign lines in a page: harmless whatever they hold, coloured where they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.server.pages.ansi import WIDEST, to_html


def test_markup_is_text() -> None:
    html = to_html("<script>alert('1')</script> & \"x\"")
    assert html == "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &#34;x&#34;"


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("\x1b[31mred\x1b[0m plain", '<span class="ink-1">red</span> plain'),
        ("\x1b[1;32mok\x1b[22m go", '<span class="t-bold ink-2">ok</span>'
                                    '<span class="ink-2"> go</span>'),
        ("\x1b[91;44mx\x1b[39mz\x1b[m", '<span class="ink-9 paper-4">x</span>'
                                        '<span class="paper-4">z</span>'),
        ("\x1b[38;5;196mx\x1b[m", '<span class="ink-9">x</span>'),
        ("\x1b[38;2;30;160;40mx\x1b[m", '<span class="ink-2">x</span>'),
        ("\x1b[48;5;240mx\x1b[m", '<span class="paper-8">x</span>'),
        ("a\x1b[2Kb\x1b]0;title\x07c\x08", "abc"),
        ("10 %\r100 %", "100 %"),
        ("\x1b[31m<b>\x1b[0m", '<span class="ink-1">&lt;b&gt;</span>'),
        ("\x1b[38;5mx", '<span class="ink-0">x</span>'),
    ],
)  # fmt: skip
def test_colours_become_classes_and_other_sequences_go(line: str, html: str) -> None:
    assert to_html(line) == html


@given(
    st.text(alphabet=st.sampled_from("\x1b[]0123456789;:mK<>&\"'\r\n\t abc\u202e\x9b"), max_size=60)
)
def test_nothing_gets_through_but_our_own_spans(line: str) -> None:
    bare = re.sub(r'<span class="[a-z0-9 -]+">|</span>', "", to_html(line))
    assert not re.search(r"[<>\x00-\x08\x0a-\x1f\x7f-\x9f\u202e]", bare)


def test_a_very_long_line_is_cut() -> None:
    assert len(to_html("x" * 1_000_000)) < WIDEST + 10
