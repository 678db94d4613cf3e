"""Mending what linters find, where that is mechanical: the text is changed at that place only.

A fix is made for a finding, so what is silenced or ignored is left alone. Each looks whether it is
safe here, and otherwise does nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import Finding
from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.edit import Edit, Source, apply
from pipeline.kit.dockerfile.local_files import copies_alike
from pipeline.kit.dockerfile.parse import parse


def fix(text: str, findings: Sequence[Finding], context: Path) -> str:
    """``text`` with everything mended that can be; ``context`` is the folder of the build."""
    try:
        dockerfile = parse(text)
    except StageFailed:
        return text
    source = Source(text)
    by_line = {instruction.line: instruction for instruction in dockerfile.instructions}
    edits: list[Edit] = []
    for finding in findings:
        mend, instruction = FIXES.get(finding.rule), by_line.get(finding.line)
        if mend and instruction:
            edits += mend(_Case(source, dockerfile, instruction, context))
    fixed = apply(text, edits)
    return fixed if _is_like(dockerfile, fixed) else text


def _is_like(before: m.Dockerfile, fixed: str) -> bool:
    """Can it be read, with as many instructions in as many stages?"""
    try:
        after = parse(fixed)
    except StageFailed:
        return False
    return len(after.stages) == len(before.stages) and len(list(after.instructions)) == len(
        list(before.instructions)
    )


@dataclass(frozen=True)
class _Case:
    """One instruction that something was found in."""

    source: Source
    dockerfile: m.Dockerfile
    instruction: m.Instruction
    context: Path

    @property
    def start(self) -> int:
        return self.source.span(self.instruction)[0]

    @property
    def text(self) -> str:
        start, end = self.source.span(self.instruction)
        return self.source.text[start:end]

    @property
    def code(self) -> str:
        return self.source.code(self.instruction)

    def insert(self, at: int, text: str) -> Edit:
        return Edit(self.start + at, self.start + at, text)

    def replace(self, span: tuple[int, int], text: str) -> Edit:
        return Edit(self.start + span[0], self.start + span[1], text)

    def caches(self, *words_: str) -> bool:
        """Is a cache mounted whose target has one of the words?"""
        mounts = [value or "" for name, value in self.instruction.flags if name == "mount"]
        return any("type=cache" in mount and word in mount for mount in mounts for word in words_)


Fix = Callable[[_Case], Iterator[Edit]]

_APT = re.compile(r"(?<![\w./-])apt(?:-get)?(?:[ \t]+-\S+)*[ \t]+install(?:[ \t]+-\S+)*")
_APT_ALONE = re.compile(r"(?<![\w./-])apt(?=[ \t]+(?:-\S+[ \t]+)*(\w[\w-]*))")
_SAME_WORDS = frozenset({"install", "update", "upgrade", "remove", "purge", "autoremove", "clean"})
_PIP = re.compile(r"(?<![\w./-])(?:pip[\d.]*|python[\d.]*[ \t]+-m[ \t]+pip)[ \t]+install(?![\w-])")
_APK = re.compile(r"(?<![\w./-])apk[ \t]+add(?![\w-])")
_END = re.compile(r"&&|\|\||[;|]|$")
_LISTS = "/var/lib/apt/lists"
_PLAIN = re.compile(r"[\w./:=@%+,-]+(?:[ \t]+[\w./:=@%+,-]+)*")
_BUILTINS = frozenset({
    ".", ":", "alias", "cd", "command", "eval", "exec", "exit", "export", "if", "read", "set",
    "source", "test", "trap", "ulimit", "umask", "unset", "until", "wait", "while", "for", "case",
})  # fmt: skip


def _segment(code: str, match: re.Match[str]) -> str:
    """The command that a match begins."""
    end = _END.search(code, match.end())
    return code[match.start() : end.start() if end else len(code)]


def _no_recommends(case: _Case) -> Iterator[Edit]:
    for match in _APT.finditer(case.code):
        if "recommends" not in _segment(case.code, match).lower():
            yield case.insert(match.end(), " --no-install-recommends")


def _yes(case: _Case) -> Iterator[Edit]:
    for match in _APT.finditer(case.code):
        if not re.search(r"[ \t](?:-y|--yes|--assume-yes|-qq\S*)", _segment(case.code, match)):
            yield case.insert(match.end(), " --yes")


def _apt_get(case: _Case) -> Iterator[Edit]:
    found = list(_APT_ALONE.finditer(case.code))
    if all(match[1] in _SAME_WORDS for match in found):
        for match in found:
            yield case.insert(match.end(), "-get")


def _clean_lists(case: _Case) -> Iterator[Edit]:
    """Only where the same RUN fetches and uses them, and no later one does without fetching."""
    run, code = case.instruction, case.code
    if not isinstance(run, m.Run) or isinstance(run.command, m.ExecForm) or run.heredocs:
        return
    if not _updates(code) or not _APT.search(code) or _LISTS in code or case.caches("/apt"):
        return
    later = [each for each in case.dockerfile.instructions if each.line > run.line]
    if any(_APT.search(c) and not _updates(c) for c in map(case.source.code, later)):
        return
    if re.search(r"\|\||;|(?<!&)&(?!&)|(?<!\|)\|(?!\|)|#", code):
        return
    yield case.insert(len(case.text.rstrip()), _continued(case, f"rm -rf {_LISTS}/*"))


def _updates(code: str) -> bool:
    return (
        re.search(r"(?<![\w./-])apt(?:-get)?(?:[ \t]+-\S+)*[ \t]+update(?![\w-])", code) is not None
    )


def _continued(case: _Case, command: str) -> str:
    """One more command, in the way that the others are joined."""
    mark = case.dockerfile.escape
    *_, last = lines = case.text.rstrip().split("\n")
    if len(lines) == 1:
        return f" && {command}"
    indent = last[: len(last) - len(last.lstrip())]
    if last.lstrip().startswith("&&"):
        return f" {mark}\n{indent}&& {command}"
    return f" && {mark}\n{indent}{command}"


def _no_pip_cache(case: _Case) -> Iterator[Edit]:
    for match in _PIP.finditer(case.code):
        if not case.caches("pip", ".cache") and "--no-cache-dir" not in _segment(case.code, match):
            yield case.insert(match.end(), " --no-cache-dir")


def _no_apk_cache(case: _Case) -> Iterator[Edit]:
    for match in _APK.finditer(case.code):
        if not case.caches("apk") and "--no-cache" not in _segment(case.code, match):
            yield case.insert(match.end(), " --no-cache")


def _label(case: _Case) -> Iterator[Edit]:
    if isinstance(case.instruction, m.Maintainer):
        name = words.quote(words.unquote(case.instruction.name, case.dockerfile.escape))
        label = f"LABEL org.opencontainers.image.authors={name}"
        yield case.replace((0, len(case.text)), label)


def _copy(case: _Case) -> Iterator[Edit]:
    add = case.instruction
    if isinstance(add, m.Add) and copies_alike(add, case.context):
        match = re.search(r"\S+", case.text)
        if match and match[0].upper() == "ADD":
            yield case.replace(match.span(), "COPY" if match[0].isupper() else "copy")


def _exec_form(case: _Case) -> Iterator[Edit]:
    """A command that a shell would take word by word as it is, and that stands for itself: beside
    the other of CMD and ENTRYPOINT it would come to mean something else."""
    found = case.instruction
    if not isinstance(found, m.Cmd | m.Entrypoint) or isinstance(found.command, m.ExecForm):
        return
    kinds = {type(each) for each in case.dockerfile.effective()} & {m.Cmd, m.Entrypoint}
    if len(kinds) != 1 or any(isinstance(e, m.Shell) for e in case.dockerfile.instructions):
        return
    text = found.command.text
    first = text.split()[0]
    if not _PLAIN.fullmatch(text) or "=" in first or first in _BUILTINS:
        return
    at = case.text.rfind(text)
    if at < 0:
        return
    argv = ", ".join(f'"{word}"' for word in shlex.split(text))
    yield case.replace((at, at + len(text)), f"[{argv}]")


def _key_and_value(case: _Case) -> Iterator[Edit]:
    found = case.instruction
    if isinstance(found, m.Env | m.Label) and found.line == found.end and len(found.pairs) == 1:
        [(name, value)] = found.pairs
        match = re.match(r"\s*\w+\s+(\S+\s.*)", case.text)
        if match and "=" not in match[1].split()[0]:
            yield case.replace((match.start(1), len(case.text)), f"{name}={value}")


def _as_casing(case: _Case) -> Iterator[Edit]:
    match = re.match(r"\s*(FROM|from)\b.*\s(as)\s+\S+\s*$", case.text, re.IGNORECASE | re.DOTALL)
    if match and isinstance(case.instruction, m.From):
        yield case.replace(match.span(2), "AS" if match[1].isupper() else "as")


FIXES: Mapping[str, Fix] = {
    "DL3009": _clean_lists,
    "DL3014": _yes,
    "DL3015": _no_recommends,
    "DL3019": _no_apk_cache,
    "DL3020": _copy,
    "DL3025": _exec_form,
    "DL3027": _apt_get,
    "DL3042": _no_pip_cache,
    "DL4000": _label,
    "FromAsCasing": _as_casing,
    "JSONArgsRecommended": _exec_form,
    "LegacyKeyValueFormat": _key_and_value,
    "MaintainerDeprecated": _label,
}
"""Rule → what mends it."""
