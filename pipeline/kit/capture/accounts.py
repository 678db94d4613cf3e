"""Users and groups that were made by hand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.kit.capture.evidence import Evidence


@dataclass(frozen=True)
class Accounts:
    """Commands that make them, and what cannot be made so."""

    commands: tuple[str, ...]
    passwords: tuple[str, ...]
    """Users whose password is another one than in the image: it is left out."""
    homes: tuple[str, ...] = ()
    """Folders that the commands make, and fill from ``/etc/skel``."""


def accounts(evidence: Evidence, scripts: str) -> Accounts:
    """What is new in passwd and group, but for what ``scripts`` of packages make themselves."""
    users = _new(evidence, "/etc/passwd", scripts)
    groups = _new(evidence, "/etc/group", scripts)
    has_useradd = any(f"{folder}/useradd" in evidence.now.entries
                      for folder in ("/usr/sbin", "/sbin"))  # fmt: skip
    make_group, make_user = (_groupadd, _useradd) if has_useradd else (_addgroup, _adduser)
    members = {
        name: [group for group, fields in _table(evidence, "/etc/group").items()
               if len(fields) > 2 and name in fields[2].split(",")]
        for name in users
    }  # fmt: skip
    commands = [make_group(name, fields) for name, fields in groups.items()]
    commands += [make_user(name, fields, members[name]) for name, fields in users.items()]
    homes = tuple(fields[4] for fields in users.values() if len(fields) > 4)
    return Accounts(tuple(commands), tuple(_passwords(evidence)), homes)


def _table(evidence: Evidence, path: str, *, before: bool = False) -> dict[str, list[str]]:
    """Name → the other fields."""
    text = (evidence.before if before else evidence.now).text(path)
    rows = (line.split(":") for line in text.splitlines() if ":" in line)
    return {row[0]: row[1:] for row in rows}


def _new(evidence: Evidence, path: str, scripts: str) -> Mapping[str, list[str]]:
    known = _table(evidence, path, before=True)
    return {
        name: fields
        for name, fields in _table(evidence, path).items()
        if name not in known and not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", scripts)
    }


def _groupadd(name: str, fields: list[str]) -> str:
    return shlex.join(["groupadd", "--gid", fields[1], name])


def _useradd(name: str, fields: list[str], groups: list[str]) -> str:
    more = ["--groups", ",".join(groups)] if groups else []
    return shlex.join(
        ["useradd", "--no-log-init", "--uid", fields[1], "--gid", fields[2], *more,
         "--home-dir", fields[4], "--create-home", "--shell", fields[5] or "/bin/sh", name]
    )  # fmt: skip


def _addgroup(name: str, fields: list[str]) -> str:
    return shlex.join(["addgroup", "-g", fields[1], name])


def _adduser(name: str, fields: list[str], groups: list[str]) -> str:
    first = shlex.join(
        ["adduser", "-D", "-u", fields[1], "-h", fields[4], "-s", fields[5] or "/bin/sh", name]
    )
    return " && ".join([first, *(shlex.join(["addgroup", name, group]) for group in groups)])


def _passwords(evidence: Evidence) -> list[str]:
    known = _table(evidence, "/etc/shadow", before=True)
    return [
        name
        for name, fields in _table(evidence, "/etc/shadow").items()
        if fields[0].startswith("$") and fields[0] != known.get(name, [""])[0]
    ]
