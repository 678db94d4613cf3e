import io

import pytest

from pipeline.render import choose, resolve
from pipeline.render.json_lines import JsonRenderer
from pipeline.render.plain import PlainRenderer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "chosen"),
    [
        (Terminal(), {"TERM": "xterm"}, "rich"),
        (Terminal(), {"TERM": "dumb"}, "plain"),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, "rich"),
        (io.StringIO(), {"TERM": "xterm"}, "plain"),
        (io.StringIO(), {"GITHUB_ACTIONS": "true"}, "github"),
        (io.StringIO(), {"GITHUB_ACTIONS": "false"}, "plain"),
    ],
)
def test_auto(stream: io.StringIO, environ: dict[str, str], chosen: str) -> None:
    assert resolve("auto", stream, environ) == chosen


def test_a_named_one_is_taken() -> None:
    environ = {"GITHUB_ACTIONS": "true"}
    assert isinstance(choose("json", Terminal(), environ), JsonRenderer)
    assert isinstance(choose("plain", Terminal(), environ), PlainRenderer)
