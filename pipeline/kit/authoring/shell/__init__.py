"""Dockerfiles for apps that are shell scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reason, Reasons, Wishes
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_BASE = "debian:trixie-slim"
_SCRIPTS = (
    "start.sh", "run.sh", "server.sh", "serve.sh", "main.sh", "app.sh", "entrypoint.sh",
    "worker.sh", "bin/start", "bin/run", "bin/server", "start", "run",
)  # fmt: skip
_FIRST_LINE = re.compile(
    r"#!\s*(?:/usr/bin/env\s+(?:-S\s+)?)?\S*?\b(?P<shell>bash|dash|ksh|zsh|sh)\b"
)
_PROGRAMS: Mapping[str, str] = {
    "socat": "socat", "ncat": "ncat", "nc": "netcat-openbsd", "curl": "curl", "wget": "wget",
    "jq": "jq", "git": "git", "busybox": "busybox", "python3": "python3", "perl": "perl",
    "openssl": "openssl", "sqlite3": "sqlite3", "psql": "postgresql-client", "rsync": "rsync",
    "redis-cli": "redis-tools", "envsubst": "gettext-base", "ssh": "openssh-client",
    "zip": "zip", "unzip": "unzip", "xmlstarlet": "xmlstarlet", "dig": "bind9-dnsutils",
    "ping": "iputils-ping", "ps": "procps", "bc": "bc", "cron": "cron", "zsh": "zsh", "ksh": "ksh",
    "inotifywait": "inotify-tools",
}  # fmt: skip
"""Program → Debian package, for those that the base lacks."""
_WITH_TLS = frozenset({"curl", "wget", "git", "openssl"})
_PORT = (
    re.compile(r"\$\{PORT:-(\d{2,5})\}"),
    re.compile(r"\bPORT=(\d{2,5})"),
    re.compile(r"TCP(?:4|6)?-LISTEN:(\d{2,5})"),
    re.compile(r"\bnc(?:at)?\s+[^\n|]*-l[^\n|]*?\s(\d{2,5})\b"),
    re.compile(r"httpd\s+[^\n]*-p\s*(?:\S+:)?(\d{2,5})"),
)
_LISTENS = re.compile(r"-LISTEN:|\bnc(?:at)?\s[^\n]*-\w*l|httpd\s|http\.server")
_USUAL = 8080


class Shell:
    name = "shell scripts"
    key = "shell"
    looks_for = _SCRIPTS[:3]

    def recognises(self, tree: Tree, wishes: Wishes) -> Reason | None:
        if wishes.shell:
            return Reason("language", self.name, "asked for by `shell:`", "pipeline.yml")
        script = tree.first(*_SCRIPTS) or next(iter(tree.matching("*.sh")), None)
        if script is None:
            return None
        return Reason("language", self.name, "there is a script", script, doubtful=True)

    def author(self, tree: Tree, wishes: Wishes) -> Authored:
        reasons = Reasons()
        scripts = [path for path in tree.files if _is_script(tree, path)]
        sources = Sources(tree, scripts)
        said = starting.said(tree, wishes, reasons)
        command = said.command if said else _start(tree, wishes, reasons)
        port = None
        if wishes.port or ((said is None or said.listens) and sources.has(_LISTENS)):
            port = starting.port(
                sources, wishes, reasons, command=command, patterns=_PORT, usual=_USUAL
            )
        health = None
        if port is not None:
            health = probes.choose(probes.bash, sources.health_route(), reasons)
        packages = {*_packages(sources, reasons), *wishes.packages}
        items = blocks.paragraphs(
            [m.From(_BASE)],
            [blocks.env({"PORT": port})] if port is not None else [],
            blocks.apt(packages, "Programs that the scripts call, and the base lacks."),
            parts.user(),
            [parts.code(owned=True)],
            parts.ending(parts.UID, port, command, health),
        )
        return Authored("shell scripts", m.Dockerfile(items), tuple(reasons.found), port)


def _is_script(tree: Tree, path: str) -> bool:
    if path.endswith((".sh", ".bash")):
        return True
    name = path.rpartition("/")[2]
    return "." not in name and _FIRST_LINE.match(tree.read(path)) is not None


def _start(tree: Tree, wishes: Wishes, reasons: Reasons) -> tuple[str, ...]:
    """The script by its own interpreter, whether or not it may be executed.

    Raises:
        StageFailed: there are several, and none has a usual name.
    """
    alone = tree.matching("*.sh")
    script = wishes.shell or tree.first(*_SCRIPTS) or (alone[0] if len(alone) == 1 else None)
    if script is None or not tree.has(script):
        named = f"{script}, which is not there" if script else ", ".join(alone)
        raise StageFailed(
            f"these are shell scripts, and it cannot be told which one is the app: {named}",
            hint=f"Name it in pipeline.yml: `dockerfile: {{shell: {(alone or ['x.sh'])[0]}}}`.",
        )
    first = _FIRST_LINE.match(tree.read(script))
    reasons.note("start", script, "the script that is there", script)
    return (first["shell"] if first else "sh", script)


def _packages(sources: Sources, reasons: Reasons) -> set[str]:
    found: set[str] = set()
    for program, package in _PROGRAMS.items():
        word = rf"(?:/usr/bin/)?{re.escape(program)}"
        called = re.compile(rf"^[^#\n]*?(?:^|[\s;|&(`\"']){word}(?=[\s;\"'])", re.MULTILINE)
        if match := sources.first(called):
            found.add(package)
            reasons.note("package", package, f"{program} is called", match.file, line=match.line)
            if program in _WITH_TLS:
                found.add("ca-certificates")
    return found
