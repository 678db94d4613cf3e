"""The report is read in whatever company it comes; the real hadolint runs on real files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.adapters.shell import LocalShell
from pipeline.errors import NotFound, StageFailed
from pipeline.kit.dockerfile import hadolint
from pipeline.ports.engine import OnLine
from pipeline.ports.shell import Completed
from pipeline.scope import Scope

REPORT = (
    '[{"code":"DL3006","column":1,"file":"-","level":"warning","line":1,"message":"Always\\ntag"}]'
)


class NoShell:
    """A machine without any program."""

    def run(
        self, argv: Sequence[str], *, cwd: str | None = None,
        environment: Mapping[str, str] | None = None, stdin: str | None = None,
        on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        raise NotFound(f"the program {argv[0]} is not installed")


def test_the_report_is_found_among_warnings() -> None:
    (finding,) = hadolint.parse_report(f"Error parsing your config\n{REPORT}\nmore\n")
    assert (finding.rule, finding.level, finding.line) == ("DL3006", "warning", 1)
    assert finding.message == "Always tag"
    assert finding.hint.endswith("/DL3006")
    assert hadolint.parse_report("[]\n") == []


@pytest.mark.parametrize("output", ["", "Segmentation fault", "[1, 2]", '[{"line": 1}]'])
def test_no_report_is_a_failure_that_shows_what_came(output: str) -> None:
    with pytest.raises(StageFailed) as raised:
        hadolint.parse_report(output)
    assert raised.value.detail == output


def test_without_hadolint() -> None:
    with pytest.raises(NotFound, match="hadolint is not installed"):
        hadolint.check("FROM a\n", [], NoShell(), Scope(5))


def test_the_real_one(tmp_path: Path) -> None:
    text = "FROM python\nRUN cd /tmp\n"
    found = hadolint.check(text, [tmp_path], LocalShell(), Scope(30))
    assert {"DL3006", "DL3003"} <= {finding.rule for finding in found}
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL3006]\n")
    found = hadolint.check(text, [tmp_path], LocalShell(), Scope(30))
    assert "DL3006" not in {finding.rule for finding in found}
