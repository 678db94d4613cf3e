"""Which Node.js."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import pinned

DEFAULT = 22
KNOWN = (18, 20, 22, 24)
"""Long-term versions, which have an image, oldest first."""
_OLD = (10, 12, 14, 16)
"""Those that have one and nobody looks after any more."""
_NEWEST = 25
"""What had been published when this was written."""
_NAMES = {"dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16, "hydrogen": 18, "iron": 20,
          "jod": 22, "krypton": 24}  # fmt: skip
_PART = re.compile(r"(>=|<=|>|<|=|\^|~)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?\S*")


def choose(tree: Tree, wishes: Wishes, package: Package, reasons: Reasons) -> str:
    """Major version: the image's tag then follows its releases.

    Raises:
        StageFailed: no published version is one that ``engines`` allows, or a file names.
    """
    if wishes.node:
        return _noted(reasons, wishes.node.partition(".")[0], "asked for by `node:`",
                      "pipeline.yml")  # fmt: skip
    for version, file, line in _pinned(tree, package):
        major = version.partition(".")[0]
        if int(major) > _NEWEST:
            raise StageFailed(
                f"nobody publishes Node.js {version}, which {file} names",
                hint=f"Long-term versions are {', '.join(map(str, KNOWN))}. Is it newer than "
                "dockcycle? Name it with `node:`, and that is what is used.",
                where=Location(file, line),
            )
        return _noted(reasons, major, "pinned", file, line)
    wanted = package.data.get("engines", {})
    wanted = wanted.get("node") if isinstance(wanted, dict) else None
    if isinstance(wanted, str) and wanted.strip():
        return _allowed(wanted, tree, package, reasons)
    reasons.note("node", DEFAULT, "no file names a version, so a current one")
    return str(DEFAULT)


def _pinned(tree: Tree, package: Package) -> Iterator[tuple[str, str, int | None]]:
    for file in (".nvmrc", ".node-version"):
        for text in tree.lines(file)[:1]:
            if name := _NAMES.get(text.strip().lower().removeprefix("lts/")):
                yield str(name), file, 1
    yield from pinned(tree, "node", ".nvmrc", ".node-version")
    volta = package.data.get("volta", {})
    if isinstance(volta, dict) and re.match(r"\d+", str(volta.get("node", ""))):
        yield str(volta["node"]), package.file, package.line_of("volta")


def _noted(reasons: Reasons, major: str, because: str, file: str, line: int | None = None) -> str:
    known = major.isdigit() and int(major) in KNOWN
    if not known:
        because += "; not a long-term version, or one that came after dockcycle"
    reasons.note("node", major, because, file, line=line, doubtful=not known)
    return major


def _allowed(wanted: str, tree: Tree, package: Package, reasons: Reasons) -> str:
    """The default if ``engines`` allows it, else the newest that it allows."""
    line = tree.line_of(package.file, '"engines"')
    for major in (DEFAULT, *reversed(KNOWN), *reversed(_OLD)):
        if allows(wanted, major):
            return _noted(reasons, str(major), f"engines.node is {wanted}", package.file, line)
    raise StageFailed(
        f"no version of Node.js is both published and allowed by engines.node {wanted}",
        hint=f"Published are {', '.join(map(str, KNOWN))}. Name one with `node:` to go on.",
        where=Location(package.file or FILE, line),
    )


def allows(wanted: str, major: int) -> bool:
    """Does the npm range ``wanted`` allow the newest release of ``major``?

    Only majors are told apart: the image has the newest minor and patch version of its major.
    """
    return any(_meets_all(part, major) for part in wanted.split("||"))


def _meets_all(text: str, major: int) -> bool:
    if span := re.fullmatch(r"\s*v?(\d+)\S*\s+-\s+v?(\d+)\S*\s*", text):
        return int(span[1]) <= major <= int(span[2])
    return all(_meets(match, major) for match in _PART.finditer(text))


def _meets(part: re.Match[str], major: int) -> bool:
    sign, first, minor, patch = part.groups()
    if not first.isdigit():
        return True
    bound = int(first)
    zero = all(number in (None, "0") for number in (minor, patch))
    # Of the bound's own major, the newest release is above any bound that is not the next major.
    tests: dict[str | None, Callable[[], bool]] = {
        ">=": lambda: major >= bound,
        ">": lambda: major > bound or (major == bound and minor is not None),
        "<": lambda: major < bound,
        "<=": lambda: major < bound or (major == bound and zero and minor is None),
    }
    return tests.get(sign, lambda: major == bound)()
