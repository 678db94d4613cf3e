"""Which images are the project's own, and what is removed with them.

Labels alone do not say so: what others build from an image of ours inherits them. An image that
has names is ours by those that dockcycle gives; names that a user gave to it are the user's.
"""

from __future__ import annotations

from contextlib import suppress

from pipeline.artifacts import SINGLE
from pipeline.errors import EngineRefused
from pipeline.kit.building import local_names
from pipeline.kit.labels import PROJECT, ROLE, SERVICE
from pipeline.ports import Engine
from pipeline.ports.engine import ImageInfo

KEPT = "dockcycle/kept"
"""Repository of names that only keep an image from being removed."""


def protecting_name(project: str, service: str, release: str) -> str:
    """The local name that keeps a release's image."""
    return f"dockcycle/{project}-{service}:{release}"


def own_images(engine: Engine, project: str) -> list[ImageInfo]:
    """All that the project's builds made."""
    labelled = engine.images({PROJECT: project})
    found = (image for image in labelled if image.labels.get(ROLE, "image") == "image")
    return [image for image in found if not image.tags or own_names(image, project)]


def own_names(image: ImageInfo, project: str) -> list[str]:
    """Those of its names that dockcycle gave to it."""
    service = image.labels.get(SERVICE, SINGLE)
    known = [*local_names(project, service, ["x"]), protecting_name(project, service, "x")]
    repositories = {KEPT, *(name.rpartition(":")[0] for name in known)}
    return [name for name in image.tags if name.rpartition(":")[0] in repositories]


def remove_own(engine: Engine, image: ImageInfo, project: str) -> None:
    """Remove one of ``own_images``: its own names, and the image unless somebody else needs it."""
    names = own_names(image, project)
    if len(names) == len(image.tags):
        with suppress(EngineRefused):  # somebody else's image is made from it
            engine.remove_image(image.id, force=True)
            return
    for name in names:
        with suppress(EngineRefused):  # somebody runs it, and it keeps its last name
            engine.untag(name)
