"""The systemd unit: what is in it, and what installing it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.app.supervise.unit import NAME, Unit
from pipeline.errors import NotFound, Unusable, UsageError
from pipeline.ports.engine import OnLine
from pipeline.ports.shell import Completed
from pipeline.scope import Scope


class Systemd:
    """A ``systemctl`` that writes down what it is told."""

    def __init__(self, *, fails: str = "", missing: bool = False) -> None:
        self.told: list[str] = []
        self._fails = fails
        self._missing = missing

    def run(
        self, argv: Sequence[str], *, cwd: str | None = None,
        environment: Mapping[str, str] | None = None, stdin: str | None = None,
        on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        if self._missing:
            raise NotFound("the program systemctl is not installed")
        self.told.append(" ".join(argv))
        failed = bool(self._fails) and self._fails in argv
        return Completed(exit_code=int(failed), output="no bus\n" if failed else "", seconds=0.1)


def unit(folder: Path, *arguments: str, **environ: str) -> Unit:
    return Unit(arguments, {"HOME": str(folder), "PATH": "/usr/bin", **environ}, user=True)


def test_it_is_written_enabled_and_started(tmp_path: Path) -> None:
    systemd, made = Systemd(), unit(tmp_path, "--project=hello", DOCKER_HOST="unix:///run/d.sock")
    told = made.install(systemd)
    file = tmp_path / ".config/systemd/user" / NAME
    assert made.file == file
    assert told[0] == f"wrote {file}"
    text = file.read_text()
    assert "supervise --project=hello\n" in text
    assert "Environment=DOCKER_HOST=unix:///run/d.sock\n" in text
    assert f"EnvironmentFile=-{tmp_path}/.config/dockcycle/supervise.env\n" in text
    assert "WantedBy=default.target\n" in text
    assert systemd.told == [
        "systemctl --user show --property=Version", "systemctl --user daemon-reload",
        f"systemctl --user enable {NAME}", f"systemctl --user restart {NAME}",
    ]  # fmt: skip
    assert list(file.parent.iterdir()) == [file]

    again = Systemd()
    assert not any(line.startswith("wrote") for line in made.install(again))
    assert again.told[-1] == f"systemctl --user start {NAME}"


def test_no_value_of_a_secret_is_in_it(tmp_path: Path) -> None:
    assert "s3cret" not in unit(tmp_path, SLACK_URL="s3cret", API_TOKEN="s3cret").text()


def test_what_systemd_would_take_for_its_own_is_written_so_that_it_does_not(tmp_path: Path) -> None:
    text = unit(tmp_path, "--project=a b$c%d", DOCKCYCLE_HOME='/x y/"z"/50%').text()
    assert '"--project=a b$$c%%d"' in text
    assert 'Environment="DOCKCYCLE_HOME=/x y/\\"z\\"/50%%"\n' in text
    with pytest.raises(UsageError, match="line end"):
        unit(tmp_path, "--project=a\nExecStart=/bin/evil").text()


def test_the_machine_has_one_too() -> None:
    made = Unit((), {}, user=False)
    assert str(made.file) == f"/etc/systemd/system/{NAME}"
    assert "WantedBy=multi-user.target\n" in made.text()
    assert "EnvironmentFile=-/etc/dockcycle/supervise.env\n" in made.text()


@pytest.mark.parametrize(
    ("systemd", "said"),
    [(Systemd(missing=True), "there is no systemd"), (Systemd(fails="show"), "exit code 1")],
)
def test_without_systemd_nothing_is_written(tmp_path: Path, systemd: Systemd, said: str) -> None:
    with pytest.raises(Unusable, match=said) as caught:
        unit(tmp_path).install(systemd)
    assert "--print" in caught.value.hint
    assert not (tmp_path / ".config").exists()
