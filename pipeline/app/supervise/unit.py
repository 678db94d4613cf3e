"""A systemd unit that runs the supervisor: of the machine, or of a user."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import NotFound, Unusable, UsageError
from pipeline.ports import Shell
from pipeline.scope import Scope
from pipeline.store import Home

NAME = "dockcycle-supervise.service"
SECONDS = 30.0
"""For one ``systemctl``."""
PASSED_ON = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY",
             "DOCKER_CERT_PATH", "DOCKCYCLE_HOME", "HOME", "PATH")  # fmt: skip
"""Variables that say which engine, and which state directory."""
_TEMPLATE = """\
[Unit]
Description=dockcycle keeps live releases as they are recorded
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart={command}
{environment}EnvironmentFile=-{variables}
Restart=always
RestartSec=5
SuccessExitStatus=143
NoNewPrivileges=yes

[Install]
WantedBy={target}
"""


@dataclass(frozen=True)
class Unit:
    """The unit as it is to be. ``user``: one of the user's own, else of the machine."""

    arguments: Sequence[str]
    """Options of ``dockcycle supervise``."""
    environ: Mapping[str, str] = field(repr=False)
    user: bool = False

    @property
    def file(self) -> Path:
        """Where it belongs."""
        return (self._config / "systemd/user" if self.user else Path("/etc/systemd/system")) / NAME

    @property
    def variables(self) -> Path:
        """A file for the values of secrets, which need not be there."""
        return (self._config if self.user else Path("/etc")) / "dockcycle/supervise.env"

    @property
    def ended(self) -> str:
        """What ends it for good, for people."""
        which = "systemctl --user" if self.user else "systemctl"
        return f"`{which} disable --now {NAME} && rm {self.file}`"

    @property
    def _config(self) -> Path:
        home = Path(self.environ.get("HOME") or Path.home())
        return Path(self.environ.get("XDG_CONFIG_HOME") or home / ".config")

    def text(self) -> str:
        """Its content."""
        state = str(Home.find(self.environ).path)  # whose locks are those of the runs
        passed = {"HOME": str(Path.home()), **self.environ, "DOCKCYCLE_HOME": state}
        names = [name for name in PASSED_ON if passed.get(name)]
        return _TEMPLATE.format(
            command=" ".join(_quoted(w, "%$") for w in (*_program(), "supervise", *self.arguments)),
            environment="".join(f"Environment={_quoted(f'{n}={passed[n]}')}\n" for n in names),
            variables=str(self.variables).replace("%", "%%"),
            target="default.target" if self.user else "multi-user.target",
        )

    def install(self, shell: Shell) -> list[str]:
        """Write and start it; what was done. Idempotent: a changed one is started again.

        Raises:
            UsageError: the machine's units cannot be written by this user.
            Unusable: there is no systemd, or it says no.
        """
        told = []
        self._systemctl(shell, "show", "--property=Version")  # is there one?
        if not self._is_written():
            self._write()
            told.append(f"wrote {self.file}")
        self._systemctl(shell, "daemon-reload")
        self._systemctl(shell, "enable", NAME)
        self._systemctl(shell, "restart" if told else "start", NAME)
        which = "systemctl --user" if self.user else "systemctl"
        told.append(f"enabled and started {NAME}; `{which} status {NAME}` shows it")
        if self.user:
            told.append("it runs while you are logged in; `loginctl enable-linger` makes it stay")
        return told

    def _is_written(self) -> bool:
        try:
            return self.file.read_text() == self.text()
        except OSError:
            return False

    def _write(self) -> None:
        fresh = self.file.with_name(f".{NAME}.{os.getpid()}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(self.text())
            fresh.replace(self.file)
        except OSError as error:
            raise UsageError(
                f"{self.file} cannot be written: {error.strerror}",
                hint="Run it as root, install one of your own with --user, or see it with --print.",
            ) from error

    def _systemctl(self, shell: Shell, *words: str) -> None:
        argv = ["systemctl", *(["--user"] if self.user else []), *words]
        see = "`dockcycle supervise --print` shows the unit, for another way to run it."
        try:
            done = shell.run(argv, scope=Scope(SECONDS, what=" ".join(argv)))
        except NotFound as error:
            raise Unusable("there is no systemd on this machine", hint=see) from error
        if done.exit_code != 0:
            raise Unusable(
                f"`{' '.join(argv)}` failed with exit code {done.exit_code}",
                hint=see,
                detail=done.output.strip(),
            )


def _program() -> list[str]:
    """This very installation."""
    script = Path(sys.executable).with_name("dockcycle")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "pipeline"]


def _quoted(word: str, special: str = "%") -> str:
    """One word of a unit file; characters of ``special`` are systemd's own, and stand twice."""
    if "\n" in word or "\r" in word:
        raise UsageError(f"a line end cannot be in a unit file: {word!r}")
    plain = word.replace("\\", "\\\\").replace('"', '\\"')
    for character in special:
        plain = plain.replace(character, 2 * character)
    return f'"{plain}"' if set(" \t'\"\\;") & set(word) else plain
