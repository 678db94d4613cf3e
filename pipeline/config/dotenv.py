"""The ``.env`` file beside the pipeline file, read as Compose reads it.

``NAME=value`` or ``NAME: value``, an optional ``export``, ``#`` comments (after a space behind a
value). Between single quotes everything is itself (but for an escaped quote), between double quotes
``\\n``, ``\\r``, ``\\t`` and escaped quotes, dollars and backslashes are known; quoted values may
span lines. Variables are replaced except between single quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.interpolation import interpolate
from pipeline.config.yaml_source import MAX_BYTES, decode
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit.text import human_bytes

_SKIP = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:#[^\n]*)?")
_NAME = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*")
_ASSIGN = re.compile(r"[=:][ \t]*")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|""", re.DOTALL)
_BARE = re.compile(r"[^\n]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$", '"': '"', "\\": "\\", "'": "'"}


def read(file: Path, shown: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a ``.env`` file; empty when there is none.

    ``environment`` wins in replacements inside the file; the caller lets it win over the result.

    Raises:
        UsageError: the file cannot be read.
        ConfigError: with the line of every mistake.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{shown} is too large: at most {human_bytes(MAX_BYTES)} are read")
    return parse(decode(data, shown), shown, environment)


def parse(text: str, shown: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a text; as ``read`` otherwise."""
    text = text.replace("\r\n", "\n")
    reader = _Reader(text, dict(environment))
    problems: list[Problem] = []
    at = _end(_SKIP, text, 0)
    while at < len(text):
        try:
            end = reader.entry(at)
        except ValueError as error:
            line = text.count("\n", 0, at) + 1
            hint = getattr(error, "hint", "Write NAME=value; text with spaces goes in quotes.")
            problems.append(Problem(str(error), Location(shown, line), hint))
            end = _end(_BARE, text, at)
        at = _end(_SKIP, text, end)
    if problems:
        raise ConfigError(problems)
    return reader.found


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The position behind a match at ``at``; ``at`` itself without one."""
    match = pattern.match(text, at)
    return match.end() if match else at


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    environment: dict[str, str]
    found: dict[str, str] = field(default_factory=dict)

    def entry(self, at: int) -> int:
        """Read the variable that begins at ``at``; the position behind it.

        Raises:
            ValueError: it is none, or is not finished.
        """
        name = _NAME.match(self.text, at)
        if name is None:
            raise ValueError("this line does not begin with the name of a variable")
        if _REST.match(self.text, name.end()):
            return name.end()  # a name alone passes on the environment's value, which is there
        assign = _ASSIGN.match(self.text, name.end())
        if assign is None:
            raise ValueError(f"`=` is missing after {name.group(1)}")
        self.found[name.group(1)], end = self._value(name.group(1), assign.end())
        return end

    def _value(self, key: str, at: int) -> tuple[str, int]:
        quoted = _QUOTED.match(self.text, at)
        if quoted is None or quoted.end() == at:
            if self.text[at : at + 1] in ("'", '"'):
                raise ValueError(f"the quote after {key} is not closed")
            end = _end(_BARE, self.text, at)
            return self._replace(re.sub(r"\s#.*", "", self.text[at:end]).strip()), end
        if _REST.match(self.text, quoted.end()) is None:
            raise ValueError(f"something follows the closing quote of {key}")
        single, double = quoted.groups()
        if single is not None:
            return single.replace("\\'", "'"), quoted.end()
        return self._replace(re.sub(r"\\(.)", _unescape, double, flags=re.DOTALL)), quoted.end()

    def _replace(self, text: str) -> str:
        return interpolate(text, self.found | self.environment, lenient=True)


def _unescape(match: re.Match[str]) -> str:
    character = match.group(1)
    return _ESCAPES.get(character, match.group())
