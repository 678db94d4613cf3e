"""What really runs in a container: often not what it was started with."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import DockcycleError
from pipeline.ports.engine import ContainerInfo, Engine
from pipeline.scope import Scope

LOOK = r"""
echo "$$"
for p in /proc/[0-9]*; do
  parent=$(sed -n 's/^PPid:[^0-9]*//p' "$p/status")
  printf '%s|%s|%s|' "${p#/proc/}" "$parent" "$(readlink "$p/cwd")"
  tr '\0\n' '\037 ' < "$p/cmdline"
  echo
done 2>/dev/null"""
"""Shell: its own process id, then a line for each process."""
_SECONDS = 20.0
_IDLE = frozenset({
    "", "sh", "bash", "ash", "dash", "zsh", "sleep", "tail", "cat", "true", "tini", "docker-init",
    "dumb-init", "login", "init",
})  # fmt: skip
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_DAEMONS: Sequence[tuple[str, tuple[str, ...]]] = (
    (r"nginx: master process.*", ("nginx", "-g", "daemon off;")),
    (r"(?:\S*/)?apache2 .*", ("apache2ctl", "-D", "FOREGROUND")),
    (r"(?:\S*/)?httpd(?: -k start.*)?", ("httpd", "-D", "FOREGROUND")),
    (r"php-fpm: master process \(/etc/php/([\d.]+)/.*", ("php-fpm{0}", "--nodaemonize")),
    (r"php-fpm: master process.*", ("php-fpm", "--nodaemonize")),
    (r"(?:\S*/)?sshd(?::| ).*|(?:\S*/)?sshd", ("/usr/sbin/sshd", "-D", "-e")),
    (r"(?:\S*/)?cron(?: .*)?", ("cron", "-f")),
    (r"(?:\S*/)?redis-server .*", ("redis-server",)),
)
"""Programs that go to the background by themselves → how they stay in front."""

_IN_FRONT = {"httpd": "-f", "crond": "-f", "dropbear": "-F", "dnsmasq": "-k", "lighttpd": "-D"}
"""The same, by an option of their own."""
_INTERPRETED = re.compile(r"\S*/(python[\d.]*|node|ruby[\d.]*|perl) /\S+/bin/[^/\s]+")
"""A program that names its interpreter itself."""


@dataclass(frozen=True)
class Process:
    """``parent`` is 0 for what was started from outside."""

    id: int
    parent: int
    folder: str
    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        first = self.argv[0] if self.argv else ""
        return posixpath.basename(first.partition(" ")[0].rstrip(":")).lstrip("-")

    @property
    def is_idle(self) -> bool:
        return is_idle(self.argv)

    @property
    def foreground(self) -> tuple[str, ...]:
        """The command that keeps it in front."""
        title = " ".join(self.argv)
        for pattern, argv in _DAEMONS:
            if match := re.fullmatch(pattern, title):
                return tuple(word.format(*match.groups()) for word in argv)
        option = _IN_FRONT.get(self.name)
        if option and option not in self.argv:
            return (self.argv[0], option, *self.argv[1:])
        if len(self.argv) > 1 and _INTERPRETED.fullmatch(" ".join(self.argv[:2])):
            return self.argv[1:]
        return self.argv

    @property
    def may_leave(self) -> bool:
        """Does it perhaps go to the background by itself, in a way that is not known? Whoever
        started it is gone."""
        return self.parent == 1 and self.foreground == self.argv


def is_shell(argv: Sequence[str]) -> bool:
    return bool(argv) and posixpath.basename(argv[0]) in _SHELLS


def is_idle(argv: Sequence[str]) -> bool:
    """Does such a command only keep a container open?"""
    if not argv:
        return True
    name = posixpath.basename(argv[0]).lstrip("-")
    if name in _SHELLS:
        words = [word for word in argv[1:] if not re.fullmatch(r"-[a-z]*|--\S+", word)]
        return all(is_idle(word.split()) for word in words)
    if re.fullmatch(r".*entrypoint(\.sh)?", name):  # hands over to what follows
        return len(argv) > 1 and is_idle(argv[1:])
    return name in _IDLE


def processes(engine: Engine, container: ContainerInfo, scope: Scope) -> tuple[Process, ...]:
    """Those of a container, oldest first; none of one that does not run or has no shell."""
    if not container.running:
        return ()
    inner = scope.child(_SECONDS, what="looking at processes")
    try:
        result = engine.exec(container.id, ("sh", "-c", LOOK), inner)
    except DockcycleError:
        scope.check()
        return ()
    return parse(result.output) if result.exit_code in (0, 1) else ()


def parse(output: str) -> tuple[Process, ...]:
    """What the look printed, without the look itself."""
    own, _, rest = output.partition("\n")
    found = []
    for line in rest.split("\n"):
        number, parent, folder, words = (*line.split("|", 3), "", "", "")[:4]
        if not (number.isdigit() and parent.isdigit()):
            continue
        argv = tuple(word for word in words.split("\037") if word)
        if argv and own.strip() not in (number, parent):
            found.append(Process(int(number), int(parent), folder or "/", argv))
    return tuple(sorted(found, key=lambda process: process.id))


def services(running: Sequence[Process]) -> list[Process]:
    """What somebody started by hand to serve: not idle, and of no other such one."""
    busy = [process for process in running if not process.is_idle]
    ids = {process.id for process in busy}
    return [process for process in busy if process.parent not in ids]
