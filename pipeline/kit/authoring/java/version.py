"""Which Java."""

from __future__ import annotations

import re

from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.java import POM
from pipeline.kit.authoring.java.pom import Pom
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check, pinned

DEFAULT = 21
KNOWN = (17, 21, 25)
"""Long-term versions that have an image and are looked after, oldest first."""
_GRADLE = (
    re.compile(r"JavaLanguageVersion\.of\(\s*(\d+)"),
    re.compile(r"jvmToolchain\(\s*(\d+)"),
    re.compile(
        r"(?:source|target)Compatibility\s*=\s*(?:JavaVersion\.VERSION_)?[\"']?(?:1[._])?(\d+)"
    ),
    re.compile(r"options\.release\s*(?:=|\.set\()\s*(\d+)"),
)


def choose(tree: Tree, wishes: Wishes, reasons: Reasons) -> str:
    """Major version: what is pinned, else the oldest long-term one that the build's target has."""
    if wishes.java:
        return _noted(reasons, wishes.java, "asked for by `java:`", "pipeline.yml")
    for version, file, line in pinned(tree, "java", ".java-version"):
        check("java", version, file, line)
        return _noted(reasons, version, "pinned", file, line)
    for file, pattern in (
        ("system.properties", r"java\.runtime\.version\s*=\s*(\d+)"),
        (".sdkmanrc", r"java\s*=\s*(\d+)"),
    ):
        if match := re.search(pattern, tree.read(file)):
            return _noted(reasons, match[1], "pinned", file, tree.line_of(file, match[0]))
    target, file, exact = _target(tree)
    if target is None:
        reasons.note("java", DEFAULT, "no file names a version, so a current one")
        return str(DEFAULT)
    check("java", str(target), file)
    if exact:
        return _noted(reasons, str(target), "a toolchain of just this version", file)
    chosen = next((version for version in KNOWN if version >= target), target)
    reasons.note("java", chosen, f"the build's target is {target}", file)
    return str(chosen)


def _target(tree: Tree) -> tuple[int | None, str, bool]:
    """(version, file, whether no other will do)."""
    if tree.has(POM):
        pom = Pom(tree)
        for each in (pom, *pom.modules):
            text = each.first(
                "maven.compiler.release", "java.version", "maven.compiler.target", "jdk.version",
                "maven.compiler.source",
            ) or each.text(".//plugin/configuration/release")  # fmt: skip
            if match := re.fullmatch(r"(?:1\.)?(\d+)", text):
                return int(match[1]), each.path, False
    gradle = [path for path in tree.files if path.endswith(("build.gradle", "build.gradle.kts"))]
    for file in gradle:
        for pattern in _GRADLE:
            if match := pattern.search(tree.read(file)):
                return int(match[1]), file, pattern in _GRADLE[:2]
    return None, "", False


def _noted(reasons: Reasons, version: str, because: str, file: str, line: int | None = None) -> str:
    match = re.match(r"(?:1\.)?(\d+)", version)
    major = match[1] if match else version
    known = major.isdigit() and int(major) in KNOWN
    if not known:
        because += "; not a long-term version, or one that came after dockcycle"
    reasons.note("java", major, because, file, line=line, doubtful=not known)
    return major
