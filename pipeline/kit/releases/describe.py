"""A release's record, put together from the run's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.artifacts import (
    App,
    Dockerfiles,
    GitRecord,
    Handover,
    Images,
    PushedImages,
    Release,
    SmokeReport,
    Source,
)
from pipeline.errors import StageFailed


def tested_images(app: App, images: Images, smoke: SmokeReport | None) -> dict[str, str]:
    """Service → image id, if what was built, what runs and what was tested are the same.

    Raises:
        StageFailed: they are not; nothing may go live then.
    """
    running = {name: state.image for name, state in app.services.items()}
    built = {name: image.id for name, image in images.services.items()}
    for name, image in running.items():
        if name in built and image != built[name]:
            raise StageFailed(
                f"service {name} of the candidate runs {image[:19]}, but {built[name][:19]} was"
                " built",
                hint="Something changed the image between build and run; run again.",
            )
    if smoke is not None and {k: v for k, v in smoke.images.items() if running.get(k) != v}:
        raise StageFailed(
            "the smoke tests asked other images than those that are to go live",
            hint="Run the smoke stage again: `dockcycle run --from run`.",
        )
    return built | running


def describe_release(
    *,
    id: str,  # noqa: A002 - the field's own name
    project: str,
    run: str,
    now: datetime,
    app: App,
    images: Mapping[str, str],
    spec: Mapping[str, Any],
    url: str,
    source: Source | None,
    dockerfiles: Dockerfiles | None,
    pushed: PushedImages | None,
    smoke: SmokeReport | None,
    record: GitRecord | None,
    handover: Handover | None = None,
    engine: str = "",
) -> Release:
    """The record of a new release; ``spec`` is what it is to be started from."""
    commit = source.commit if source else None
    return Release(
        id=id,
        project=project,
        run=run,
        created=now.isoformat(timespec="seconds"),
        commit=commit or (record.commit if record else None),
        branch=source.branch if source else None,
        dirty=source.dirty if source else False,
        dockerfiles={n: d.blob for n, d in dockerfiles.services.items()} if dockerfiles else {},
        kind=app.kind,
        images=images,
        digests=pushed_digests(pushed),
        tags={n: tuple(p.ref for p in items) for n, items in pushed.services.items()}
        if pushed
        else {},
        spec=spec,
        environment=app.environment,
        main=app.main,
        smoke=smoke,
        url=url,
        handover=handover,
        engine=engine,
    )


def same_content(one: Release, other: Release) -> bool:
    """Would the one serve exactly what the other does, and be known under the same names?"""
    fields = ("kind", "commit", "images", "digests", "tags", "spec", "environment", "url")
    same = all(getattr(one, field) == getattr(other, field) for field in fields)
    return same and _front(one) == _front(other)


def _front(release: Release) -> dict[str, object] | None:
    """What is behind the front; how long it is watched makes no other release."""
    found = release.handover
    return found.model_dump(exclude={"soak", "drain"}) if found else None


def pushed_digests(pushed: PushedImages | None) -> dict[str, tuple[str, ...]]:
    """Service → ``repository@sha256:…`` of every push to a registry."""
    if pushed is None:
        return {}
    return {
        name: tuple(f"{_repository(item.ref)}@{item.digest}" for item in items)
        for name, items in pushed.services.items()
        if items
    }


def _repository(ref: str) -> str:
    head, colon, tail = ref.rpartition(":")
    return head if colon and "/" not in tail else ref
