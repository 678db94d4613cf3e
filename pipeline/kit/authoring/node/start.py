"""How a Node.js app is started, and on which port."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import StageFailed
from pipeline.kit.authoring import ports, procfile
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.tree import Tree

_SCRIPTS = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("server", "index", "app", "main")
    for suffix in ("js", "mjs", "cjs")
)
_PORT_VARIABLE = re.compile(
    r"(?:process\.)?env\.PORT\s*\)?\s*(?:\|\||\?\?)\s*(?:Number\(|parseInt\()?[\"'`]?(\d{2,5})"
)
_PORT_DEFAULT = re.compile(r"\bPORT\s*=\s*(\d{2,5})\s*\}?.*=\s*process\.env")
_PORT_ARGUMENT = re.compile(
    r"\.listen\(\s*(?:\{\s*port\s*:\s*)?(\d{2,5})|\bport\s*[:=]\s*(\d{4,5})\b"
)
_HEALTH = re.compile(
    r"[\"'`](/(?:api/|v1/|api/v1/)?(?:healthz?|health[-_]?check|_health|livez|readyz|ping|up))/?[\"'`]"
)
_NOT_THE_APP = re.compile(
    r"(?:^|/)(?:tests?|__tests__|docs|examples|scripts|public|static)/|(?:^|/)\."
    r"|\.(?:test|spec|config)\.\w+$"
)
_PLACES = tuple(
    f"{place}*.{suffix}"
    for place in ("", "src/", "server/", "*/", "src/*/")
    for suffix in ("js", "mjs", "cjs", "ts", "mts")
)
_LISTENS = re.compile(r"\.listen\(|createServer|Bun\.serve|process\.env\.PORT")
_WATCHERS = {"nodemon", "node-dev"}
_PROGRAMS = ("node", "npm", "npx", "env", "sh", "exec", "")
"""Those that the image has itself, outside of node_modules."""
_USUAL = 3000


@dataclass(frozen=True)
class Start:
    command: str | Sequence[str]
    port: int | None
    bin_path: bool = False
    """The command's program is in node_modules/.bin."""


class Starter:
    """Decides how one app is started."""

    def __init__(self, tree: Tree, wishes: Wishes, package: Package, reasons: Reasons) -> None:
        self.tree = tree
        self.wishes = wishes
        self.package = package
        self.reasons = reasons
        self.files = self._sources()

    def choose(self) -> Start:
        """The first of: the user's word, the Procfile, ``npm start``, ``main``, a usual file.

        Raises:
            StageFailed: nothing says how.
        """
        command = self._wished() or self._procfile() or self._script() or self._file()
        if command is None:
            raise StageFailed(
                "this is Node.js, but nothing says how it is started",
                hint='Add `"scripts": {"start": "node server.js"}` to package.json, or say it in '
                "pipeline.yml: `dockerfile: {start: node server.js}`.",
                detail="Looked for: a Procfile; scripts.start and main in package.json; "
                f"{', '.join(_SCRIPTS[:4])} and the like.",
            )
        text = command if isinstance(command, str) else " ".join(command)
        program = next((word for word in text.split() if "=" not in word), "")
        in_bin = program not in _PROGRAMS and not program.startswith((".", "/"))
        return Start(command, self._port(text), in_bin)

    def _wished(self) -> str | Sequence[str] | None:
        if self.wishes.start is not None:
            start = self.wishes.start
            text = start if isinstance(start, str) else " ".join(start)
            self.reasons.note("start", text, "asked for by `start:`", "pipeline.yml")
        return self.wishes.start

    def _procfile(self) -> str | Sequence[str] | None:
        process = procfile.main(self.tree)
        if process is None:
            return None
        if process.command == "npm start" and "start" in self.package.scripts:
            return self._script()
        self.reasons.note(
            "start", process.command, f"the process {process.name}", "Procfile", line=process.line
        )
        return process.command

    def _script(self) -> str | Sequence[str] | None:
        """``npm start``, without npm between the app and its signals where that can be."""
        script = self.package.scripts.get("start", "").strip()
        if not script:
            return None
        line = self.package.line_of("start")
        self.reasons.note("start", script, "scripts.start", FILE, line=line)
        if {"prestart", "poststart"} & set(self.package.scripts) or re.search(r"[|&;]", script):
            self.reasons.note("start", "npm start", "npm has to run several commands", FILE)
            return ("npm", "start")
        watcher, _, rest = script.partition(" ")
        if watcher not in _WATCHERS:
            return script
        self.reasons.note("start", f"node {rest}", f"{watcher} is for development", FILE)
        return f"node {rest}"

    def _file(self) -> str | Sequence[str] | None:
        main = self.package.main
        candidates = (main, f"{main}.js", f"{main}/index.js") if main else ()
        file = self.tree.first(*candidates, *_SCRIPTS)
        if file is None:
            return None
        because = "main in package.json" if file in candidates else "the usual file that is there"
        self.reasons.note("start", f"node {file}", because, FILE if file in candidates else file)
        return ("node", file)

    def _sources(self) -> list[str]:
        found = {path for place in _PLACES for path in self.tree.matching(place)}
        kept = [path for path in found if not _NOT_THE_APP.search(path)]
        return sorted(kept, key=lambda path: (path not in _SCRIPTS, path.count("/"), path))

    def _port(self, command: str) -> int | None:
        if self.wishes.port is not None:
            self.reasons.note("port", self.wishes.port, "asked for by `port:`", "pipeline.yml")
            return self.wishes.port
        if (fixed := ports.in_command(command)) is not None:
            self.reasons.note("port", fixed, "the start command says so")
            return fixed
        for pattern in (_PORT_VARIABLE, _PORT_DEFAULT, _PORT_ARGUMENT):
            for file in self.files:
                text = self.tree.read(file)
                if match := pattern.search(text):
                    port = next(int(group) for group in match.groups() if group)
                    line = text.count("\n", 0, match.start()) + 1
                    self.reasons.note("port", port, "the code says so", file, line=line)
                    return port
        if not command.startswith("node ") or any(
            _LISTENS.search(self.tree.read(file)) for file in self.files
        ):
            self.reasons.note("port", _USUAL, "usual for Node.js")
            return _USUAL
        self.reasons.note("port", "none", "nothing says that it listens")
        return None

    def health_route(self) -> tuple[str, str, int] | None:
        """(path, file, line) of a route that says whether the app is well."""
        for file in self.files:
            text = self.tree.read(file)
            if match := _HEALTH.search(text):
                return match[1], file, text.count("\n", 0, match.start()) + 1
        return None
