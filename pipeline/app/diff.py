"""What differs between two runs, from their records alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.artifacts import Release
from pipeline.store import RunRecord

ABSENT = ""
DOCKERFILE = "dockerfile."
VOLATILE = frozenset({"name", "labels", "image"})
"""Of a specification: what differs from run to run by itself, or is told elsewhere."""


@dataclass(frozen=True)
class Change:
    """One fact that is not the same; ``a`` and ``b`` are texts, empty where there is none.

    ``lines`` is a unified diff where the fact is a file.
    """

    what: str
    a: str
    b: str
    lines: tuple[str, ...] = ()


def compare(a: RunRecord, b: RunRecord) -> list[Change]:
    """All changes from ``a`` to ``b``, in the order of the stages.

    Where both made a release live, the releases are compared: one that was brought back has all
    that it was made of, but the run that did it has no more.
    """
    facts = _release_facts if a.artifact("Release") and b.artifact("Release") else _stage_facts
    before, after = (dict([*_common(run), *facts(run)]) for run in (a, b))
    changes = [
        Change(what, before.get(what, ABSENT), after.get(what, ABSENT))
        for what in dict.fromkeys([*before, *after])
        if before.get(what) != after.get(what)
    ]
    return [_with_lines(change, a, b) for change in changes]


def compare_releases(a: Release, b: Release) -> list[Change]:
    """All changes from ``a`` to ``b``, by their records."""
    before, after = (dict(_of_release(one.model_dump(mode="json"))) for one in (a, b))
    return [
        Change(what, before.get(what, ABSENT), after.get(what, ABSENT))
        for what in dict.fromkeys([*before, *after])
        if before.get(what) != after.get(what)
    ]


def _with_lines(change: Change, a: RunRecord, b: RunRecord) -> Change:
    if not change.what.startswith(DOCKERFILE):
        return change
    service = change.what.removeprefix(DOCKERFILE)
    old, new = _text(a, service), _text(b, service)
    if not old or not new:
        return change
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), a.id, b.id, lineterm="")
    return Change(change.what, change.a, change.b, tuple(lines))


def _text(run: RunRecord, service: str) -> str:
    """The Dockerfile; empty for a run that has only its hash."""
    files = (run.artifact("Dockerfiles") or {}).get("services", {})
    text: str = files.get(service, {}).get("text", "")
    return text


Facts = Iterator[tuple[str, str]]
"""Names and values, in a stable order; secrets are references in all of them."""


def _common(run: RunRecord) -> Facts:
    yield "status", run.status
    for name in ("release", "url"):
        yield name, run.outcome.get(name, "")


def _release_facts(run: RunRecord) -> Facts:
    yield from _of_release(run.artifact("Release") or {})


def _of_release(release: Mapping[str, Any]) -> Facts:
    yield "strategy", "blue-green" if release.get("handover") else "replace"
    for name in ("commit", "branch", "dirty"):
        yield f"source.{name}", _plain(release.get(name))
    for service, blob in release.get("dockerfiles", {}).items():
        yield f"{DOCKERFILE}{service}", blob
    for service, image in release.get("images", {}).items():
        yield f"image.{service}.id", image
    yield from _app_facts(release)
    yield from _smoke_facts(release.get("smoke") or {})
    for service, digests in release.get("digests", {}).items():
        for digest in digests:
            repository, _, value = digest.partition("@")
            yield f"pushed.{service}.{repository}", value


def _stage_facts(run: RunRecord) -> Facts:
    source = run.artifact("Source") or {}
    for name in ("commit", "branch", "dirty", "content"):
        yield f"source.{name}", _plain(source.get(name))
    for service, file in (run.artifact("Dockerfiles") or {}).get("services", {}).items():
        yield f"{DOCKERFILE}{service}", file["blob"]
    for service, image in (run.artifact("Images") or {}).get("services", {}).items():
        yield f"image.{service}.id", image["id"]
        yield f"image.{service}.size", _plain(image["size"])
    yield from _app_facts(run.artifact("App") or {})
    yield from _smoke_facts(run.artifact("SmokeReport") or {})
    for service, pushes in (run.artifact("PushedImages") or {}).get("services", {}).items():
        for pushed in pushes:
            yield f"pushed.{service}.{_repository(pushed['ref'])}", pushed["digest"]


def _app_facts(app: Mapping[str, Any]) -> Facts:
    yield from _flat("app", _specification(app))
    yield "app.environment", app.get("environment", "")


def _smoke_facts(report: Mapping[str, Any]) -> Facts:
    for result in report.get("results", ()):
        yield f"smoke.{result['name']}", "passed" if result["passed"] else result["message"]


def _specification(app: Mapping[str, Any]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = app.get("spec", {})
    return {key: value for key, value in spec.items() if key not in VOLATILE}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """A nested value as dotted names."""
    if isinstance(value, Mapping):
        variables = prefix.endswith(".environment")
        for key, item in value.items():
            if variables or key not in VOLATILE:
                yield from _flat(f"{prefix}.{key}", item)
    elif isinstance(value, (list, tuple)) and any(isinstance(i, (Mapping, list)) for i in value):
        for number, item in enumerate(value):
            yield from _flat(f"{prefix}.{number}", item)
    elif value not in (None, "", [], ()):
        yield prefix, _plain(value)


def _repository(ref: str) -> str:
    head, colon, tag = ref.rpartition(":")
    return head if colon and "/" not in tag else ref


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
