"""Removing what a dead run left on the engine: only objects that carry our labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.kit.labels import CLIENT, RUN, Role, select
from pipeline.kit.own_images import KEPT
from pipeline.ports import Engine

TEMPORARY_TAG = "temporary-tag"
"""Kind of a journal effect: an image name that is to go again. Swept after a killed run. Its key is
the name; or ``NAME ID`` for one that the user has on another image, where it is to return."""
FLEETING: tuple[Role, ...] = ("candidate", "check")
"""Roles of what never outlives its run."""


@dataclass(frozen=True)
class Swept:
    """What was removed, by kind and name."""

    items: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{kind} {name}" for kind, name in self.items)


def sweep(
    engine: Engine,
    project: str,
    *,
    client: str | None,
    running: Iterable[str] = (),
    tags: Iterable[str] = (),
) -> Swept:
    """Remove fleeting containers, networks, volumes and images of ``project``, and the ``tags``.

    ``client`` None sweeps those of every client. Objects of the runs in ``running`` stay.
    """
    alive = frozenset(running)
    removed: list[tuple[str, str]] = []

    def ours(labels: Mapping[str, str]) -> bool:
        return (client is None or labels.get(CLIENT) == client) and labels.get(RUN) not in alive

    for role in FLEETING:
        chosen = select(project, role)
        for container in engine.containers(chosen):
            if ours(container.labels):
                engine.remove(container.id, volumes=True)
                removed.append(("container", container.name))
        for network in engine.networks(chosen):
            if ours(network.labels):
                engine.remove_network(network.name)
                removed.append(("network", network.name))
        for volume in engine.volumes(chosen):
            if ours(volume.labels):
                engine.remove_volume(volume.name)
                removed.append(("volume", volume.name))
    for image in engine.images(select(project, "check")):
        if ours(image.labels):
            engine.remove_image(image.id, force=True)
            removed.append(("image", image.id[7:19]))
    for tag in tags:
        drop_temporary_tag(engine, tag)
        removed.append(("tag", tag))
    return Swept(tuple(removed))


def drop_temporary_tag(engine: Engine, key: str) -> None:
    """Undo a ``TEMPORARY_TAG``, by its key. Idempotent.

    The engine removes an image with its last name, so one that has lost all others gets a new one.
    """
    name, _, before = key.partition(" ")
    if before and engine.image(before) is not None:
        engine.tag(before, name)
        return
    found = engine.image(name)
    if found is not None and len(found.tags) == 1:
        engine.tag(found.id, f"{KEPT}:{found.id[7:19]}")
    engine.untag(name)
