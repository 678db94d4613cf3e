"""What a build does not see: .dockerignore, matched exactly as BuildKit matches it.

Patterns are tried in order and the last one that matches wins; ``!`` brings back. A pattern that
matches a directory holds for everything below it. BuildKit decides from the top directory down
and remembers which patterns matched a parent, and so does this (moby/patternmatcher and
tonistiigi/fsutil are the model; the unit tests have their tables).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError, Location, Problem

_DERIVED = (
    "**/.git", "**/.hg", "**/.svn",
    "**/__pycache__", "**/*.py[cod]", "**/*.egg-info", "**/.venv", "**/venv",
    "**/.pytest_cache", "**/.mypy_cache", "**/.ruff_cache", "**/.hypothesis", "**/.tox", "**/.nox",
    "**/.coverage", "**/.coverage.*", "**/htmlcov",
    "**/node_modules", "**/.npm", "**/.yarn/cache", "**/.pnpm-store", "**/.nyc_output",
    "**/.gradle", "**/build/classes", "**/build/libs", "**/target/classes", "**/target/*.jar",
    "**/target/debug", "**/target/release", "**/bin/Debug", "**/obj/Debug", "**/.terraform",
    "**/.idea", "**/.vscode", "**/.DS_Store", "**/*.swp", "**/*~",
)  # fmt: skip
"""Made by tools, and made again by them: never a part of what the code is."""

_SECTIONS = (
    ("Version control, caches, dependencies that the build installs itself", _DERIVED),
    ("Secrets: hand them to the build with `secrets:`", (
        "**/.env", "**/.env.*", "**/*.key", "**/id_rsa", "**/id_ecdsa", "**/id_ed25519",
        "**/.aws", "**/.ssh", "**/.netrc",
    )),
    ("How the image is made and shipped", (
        "**/Dockerfile", "**/Dockerfile.dockerignore", "**/.dockerignore",
        "**/compose*.yml", "**/compose*.yaml",
        "**/docker-compose*.yml", "**/docker-compose*.yaml",
        "pipeline.yml", "pipeline.*.yml", "pipeline.lock", ".github",
    )),
)  # fmt: skip

DEFAULT_IGNORE = "\n".join(
    "\n".join((f"# {heading}", *patterns, "")) for heading, patterns in _SECTIONS
)
"""Text of the .dockerignore that is written, and meant, where there is none.

It has no ``!`` patterns: with one that holds a wildcard BuildKit has to walk through every
excluded directory, ``.git`` and ``node_modules`` too.
"""

_WILDCARDS = frozenset("*?[]\\")
_Match = Callable[[str], bool]


@dataclass(frozen=True)
class _Pattern:
    text: str
    exception: bool
    matches: _Match

    @property
    def prefix(self) -> str:
        """The pattern without ``/**`` or ``/*`` at its end."""
        return self.text.removesuffix("/**").removesuffix("/*")


class Ignore:
    """The patterns of one .dockerignore. Paths are relative to the context, with ``/``."""

    def __init__(self, patterns: Iterable[tuple[int, str]], *, file: str = ".dockerignore") -> None:
        """Take (1-based line, pattern) pairs as ``parse`` finds them.

        Raises:
            ConfigError: patterns that BuildKit refuses as well, all of them.
        """
        problems: list[Problem] = []
        self._patterns: list[_Pattern] = []
        for line, text in patterns:
            try:
                self._patterns.append(_compile(text))
            except ValueError as error:
                problems.append(Problem(f"bad pattern {text!r}: {error}", Location(file, line)))
        if problems:
            raise ConfigError(problems)
        self._exceptions = [pattern for pattern in self._patterns if pattern.exception]
        self._only_prefixes = not any((_WILDCARDS | {"^"}) & {*p.prefix} for p in self._exceptions)
        self._directories: dict[str, tuple[bool, ...]] = {}

    @classmethod
    def parse(cls, text: str, *, file: str = ".dockerignore") -> Ignore:
        """From the text of a file; ``file`` is its name for messages.

        Raises:
            ConfigError: patterns that BuildKit refuses as well, all of them.
        """
        return cls(_lines(text), file=file)

    def excludes(self, path: str) -> bool:
        """Is the file or directory kept out of the context?"""
        return self._excluded(self._match(path))

    def prunes(self, directory: str) -> bool:
        """Is nothing below the directory in the context, so that nobody need look?"""
        if not self._only_prefixes or not self._excluded(self._directory(directory)):
            return False
        below = directory + "/"
        return not any(f"{pattern.prefix}/".startswith(below) for pattern in self._exceptions)

    def _match(self, path: str) -> tuple[bool, ...]:
        """Which patterns match ``path`` or held for its directory already."""
        parent = posixpath.dirname(path)
        inherited = self._directory(parent) if parent else (False,) * len(self._patterns)
        excluded = False
        matches = []
        for pattern, from_parent in zip(self._patterns, inherited, strict=True):
            # A pattern that could not change the outcome is not tried, and so not inherited.
            match = from_parent or (pattern.exception == excluded and pattern.matches(path))
            matches.append(match)
            if match:
                excluded = not pattern.exception
        return tuple(matches)

    def _directory(self, directory: str) -> tuple[bool, ...]:
        if directory not in self._directories:
            self._directories[directory] = self._match(directory)
        return self._directories[directory]

    def _excluded(self, matches: tuple[bool, ...]) -> bool:
        last = next(
            (p for p, m in zip(reversed(self._patterns), reversed(matches), strict=True) if m), None
        )
        return last is not None and not last.exception


def ignore_file(context: Path, dockerfile: Path | None = None) -> Path | None:
    """The ignore file in force: ``<Dockerfile>.dockerignore`` beside it, else the context's."""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore") if dockerfile else None
    candidates = (own, context / ".dockerignore")
    return next((path for path in candidates if path is not None and path.is_file()), None)


def in_force(context: Path, dockerfile: Path | None = None) -> Ignore:
    """The ignore file that a build of ``context`` uses; ``DEFAULT_IGNORE`` where there is none.

    Raises:
        ConfigError: the file has patterns that BuildKit refuses as well.
    """
    path = ignore_file(context, dockerfile)
    if path is None:
        return Ignore.parse(DEFAULT_IGNORE)
    return Ignore.parse(path.read_text(encoding="utf-8", errors="surrogateescape"), file=str(path))


def derived() -> Ignore:
    """What tools leave in a work tree (caches, installed dependencies, version control)."""
    return Ignore(enumerate(_DERIVED, start=1))


def _lines(text: str) -> Iterable[tuple[int, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        if not pattern:
            continue
        sign = "!" if pattern.startswith("!") else ""
        yield number, (sign + _clean(pattern.removeprefix("!").strip())).strip()


def _clean(pattern: str) -> str:
    """Go's ``filepath.Clean``, and no leading ``/``."""
    if not pattern:
        return ""
    cleaned = posixpath.normpath(pattern).replace("//", "/", 1)
    return cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned


def _compile(text: str) -> _Pattern:
    """Raises ``ValueError`` for what Go's ``filepath.Match`` calls a bad pattern."""
    exception = text.startswith("!")
    pattern = text[1:] if exception else text
    if exception and pattern in ("", "/"):
        raise ValueError("`!` needs a pattern after it")
    return _Pattern(pattern, exception, _matcher(pattern))


def _matcher(pattern: str) -> _Match:
    if _plain(pattern):
        return pattern.__eq__
    if pattern.startswith("**") and _plain(pattern[2:]):
        return _suffix(pattern[2:])
    if pattern.endswith("**") and _plain(pattern[:-2]):
        start = pattern[:-2]
        return lambda path: path.startswith(start)
    return _regex(pattern)


def _plain(text: str) -> bool:
    return not _WILDCARDS & {*text}


def _suffix(end: str) -> _Match:
    """``**/foo`` matches ``foo`` at any depth, and ``**foo`` whatever ends so."""
    name = end.removeprefix("/")
    if name == end:
        return lambda path: path.endswith(end)
    return lambda path: path == name or path.endswith(end)


_TOKEN = re.compile(
    r"(?P<any>\*\*/?)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[\^?(?:\\.|[^\\\]])+\])"
    r"|\\(?P<escaped>.)|(?P<plain>[^\[\\])",
    re.DOTALL,
)


def _regex(pattern: str) -> _Match:
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise ValueError("a `[` without its `]`, or a `\\` with nothing after it")
        position = token.end()
        parts.append(_translate(token, at_end=position == len(pattern)))
    try:
        expression = re.compile("".join(parts))
    except re.error as error:
        raise ValueError(str(error)) from error
    return lambda path: expression.fullmatch(path) is not None


def _translate(token: re.Match[str], *, at_end: bool) -> str:
    kind, text = token.lastgroup, token.group()
    match kind:
        case "any":
            return ".*" if at_end else "(?:.*/)?"
        case "star":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set":
            return _set(text)
        case _:
            return re.escape(token.group("escaped") or text)


_SET_ITEM = re.compile(r"(\\.|[^\\\-\]])(?:-(\\.|[^\\\-\]]))?", re.DOTALL)


def _set(text: str) -> str:
    """A set such as ``[a-z_]`` or ``[^0-9]``, with what Python would read differently escaped."""
    negated = text.startswith("[^")
    body = text[2:-1] if negated else text[1:-1]
    items, position = [], 0
    while position < len(body):
        item = _SET_ITEM.match(body, position)
        if item is None:
            raise ValueError(f"the set {text} is not well formed")
        position = item.end()
        ends = [re.escape(end[-1]) for end in item.groups() if end is not None]
        items.append("-".join(ends))
    return f"[{'^' if negated else ''}{''.join(items)}]"
