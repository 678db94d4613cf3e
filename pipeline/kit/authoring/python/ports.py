"""The port that a Python app listens on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.kit.authoring import ports, starting
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.python import code, commands, consoles
from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.sources import Sources

WEB = ("flask", "fastapi", "starlette", "django", "quart", "litestar", "bottle", "falcon", "dash",
        "python-fasthtml", "sanic")  # fmt: skip
_USUAL = {"flask": 5000, "quart": 5000, "dash": 8050, "python-fasthtml": 5001, "bottle": 8080}


@dataclass(frozen=True)
class Ports:
    """Decides on it by what the app is made of."""

    sources: Sources
    wishes: Wishes
    dependencies: Dependencies
    reasons: Reasons

    @property
    def is_web(self) -> bool:
        return self.dependencies.has(*WEB) or self.sources.has(code.LISTENS)

    def usual(self, command: str) -> int | None:
        """The port that people expect of the framework, or of the server that is started."""
        for name, port in _USUAL.items():
            if self.dependencies.has(name):
                return port
        program = commands.program(command)
        for console in consoles.ALL:
            if self.dependencies.has(console.package) and program in (console.package, "python"):
                return console.port
        return 8000 if self.dependencies.has(*WEB) or program in commands.SERVERS else None

    def of_script(self, sources: Sources) -> int | None:
        """The usual one of a script that starts its own server, if it does."""
        if sources.has(code.AIOHTTP):
            return 8080
        return self.usual("") or (8000 if sources.has(code.LISTENS) else None)

    def choose(self, command: str, usual: int | None, first: Sequence[str] = ()) -> int | None:
        """``first`` are files that count more than the code; without ``usual`` only what is said
        counts."""
        near = Sources(self.sources.tree, [*first, *self.sources.files])
        if (
            usual is None
            and not self.sources.has(code.LISTENS)
            and ports.in_command(command) is None
        ):
            near = Sources(self.sources.tree, first)
        return starting.port(
            near, self.wishes, self.reasons, command=command, patterns=code.PORT, usual=usual
        )
