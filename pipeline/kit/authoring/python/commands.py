"""Start commands that somebody wrote down: taken as they work in the image, or refused."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.python import code
from pipeline.kit.authoring.tree import Tree

SERVERS = ("gunicorn", "uvicorn", "hypercorn", "waitress-serve", "daphne", "granian", "uwsgi")
_RUNNERS = re.compile(r"\b(?:poetry|pipenv|pdm|uv|hatch|rye)\s+run\s+(?:--?[\w-]+\s+)*(?=\w)")
_RELOAD = re.compile(r"\s--reload\b")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_TARGET = re.compile(r"([A-Za-z_][\w.]*)(?::([A-Za-z_]\w*)(?:\(.*\))?)?")
_ELSEWHERE = re.compile(r"--(?:chdir|app-dir|pythonpath|dir)\b|\bcd\s|[|;]|PYTHONPATH=")
_PLACES = ("", "src/")


def in_image(command: str | Sequence[str]) -> str | Sequence[str]:
    """Without the tool that finds the virtual environment, which is the image's own there, and
    without watching for changes."""
    if isinstance(command, str):
        return _RELOAD.sub("", _RUNNERS.sub("", command))
    words = list(command)
    if len(words) > 2 and _RUNNERS.match(f"{words[0]} {words[1]} {words[2]}"):
        words = words[2:]
    return tuple(word for word in words if word != "--reload")


def program(command: str) -> str:
    """The name of the program, behind any variables."""
    words = [word for word in _split(command) if not _ASSIGNMENT.match(word) and word != "exec"]
    return words[0].rpartition("/")[2] if words else ""


def is_development(command: str, tree: Tree) -> str | None:
    """Why a command starts a server that is only for development; None when it does not."""
    if re.search(r"manage\.py\s+runserver\b", command):
        return "runserver is for development"
    if re.search(r"\bflask\b.*\brun\b", command):
        return "flask run is for development"
    if re.search(r"\bfastapi\s+dev\b", command):
        return "fastapi dev is for development"
    script = re.fullmatch(r"python3?\s+(?:-u\s+)?(\S+\.py)", command.strip())
    text = tree.read(script[1]) if script else ""
    if script and re.search(r"\bapp\.run\(", text) and code.app_object(tree, [script[1]]):
        return "app.run is for development"
    return None


def check(command: str, tree: Tree, where: Location) -> None:
    """Raises ``StageFailed`` for a script or module that is not there."""
    if _ELSEWHERE.search(command):
        return
    words = [w for w in _split(command.rpartition("&&")[2]) if not _ASSIGNMENT.match(w)]
    words = words[1:] if words[:1] == ["exec"] else words
    if not words:
        return
    name, rest = words[0].rpartition("/")[2], words[1:]
    if re.fullmatch(r"python[\d.]*|sh|bash", name):
        script = next((word for word in rest if not word.startswith("-")), "")
        if "-m" not in rest and "-c" not in rest and script.endswith((".py", ".sh")):
            _exists(script, tree, command, where)
    elif words[0].endswith(".sh"):
        _exists(words[0], tree, command, where)
    elif name in SERVERS:
        _check_target(name, rest, tree, command, where)


def _exists(script: str, tree: Tree, command: str, where: Location) -> None:
    path = script.removeprefix("./").removeprefix("/app/")
    if path.startswith("/") or tree.has(path) or path.count("/") >= 4:
        return
    names = [file for file in tree.files if file.endswith(path[-3:]) and file.count("/") < 2]
    _refuse(f"`{command}` starts {script}, which is not there", names, where)


def _check_target(
    name: str, rest: Sequence[str], tree: Tree, command: str, where: Location
) -> None:
    targets = [word for word in rest if ":" in word and _TARGET.fullmatch(word)]
    target = _TARGET.fullmatch(targets[0]) if targets else None
    if target is None:
        return
    path = target[1].replace(".", "/")
    file = next(
        (f"{place}{path}{end}" for place in _PLACES for end in (".py", "/__init__.py")
         if tree.has(f"{place}{path}{end}")), None,
    )  # fmt: skip
    found = [f"{app.module('')}:{app.name}" for app in code.app_objects(tree, code.sources(tree))]
    top = target[1].partition(".")[0]
    own = any(
        tree.has(f"{place}{top}.py") or _has_folder(tree, f"{place}{top}") for place in _PLACES
    )
    if file is None:
        if own or found:
            _refuse(f"`{command}` serves {target[0]}, and there is no module {target[1]}",
                    found, where)  # fmt: skip
        return
    text = tree.read(file)
    if target[2] and text and "import *" not in text and not re.search(rf"\b{target[2]}\b", text):
        _refuse(f"`{command}` serves {target[0]}, and {file} has no {target[2]}", found, where)


def _has_folder(tree: Tree, folder: str) -> bool:
    return any(path.startswith(f"{folder}/") for path in tree.files)


def _refuse(message: str, instead: Sequence[str], where: Location) -> None:
    near = f"There is {', '.join(instead[:5])}. " if instead else ""
    raise StageFailed(
        message,
        hint=f"{near}Mend it there, or say it in pipeline.yml: `dockerfile: {{start: …}}`.",
        where=where,
    )


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
