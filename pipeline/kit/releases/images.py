"""A kept release's images carry a name of their own, so that no pruning of others takes them."""

from __future__ import annotations

from pipeline.artifacts import Release
from pipeline.kit.labels import PROJECT, select
from pipeline.kit.local_tags import LOCAL_TAG
from pipeline.kit.own_images import protecting_name, remove_own
from pipeline.kit.releases.site import Site
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo


def protecting_tag(release: Release, service: str) -> str:
    """The local name that keeps a release's image."""
    return protecting_name(release.project, service, release.id)


def protect(site: Site, release: Release) -> None:
    """Name every image of ``release``. Idempotent."""
    for service, image in release.images.items():
        tag = protecting_tag(release, service)
        with site.journal.effect(LOCAL_TAG, tag):
            site.engine.tag(image, tag)


def unprotect(site: Site, release: Release) -> None:
    """Give the names up, and remove images that this project built and no other release uses.

    An image that somebody runs by hand stays, with its name if that is its last.
    """
    others = [kept for kept in site.ledger.releases() if kept.id != release.id]
    used = {image for kept in others for image in kept.images.values()}
    lent = {container.image for container in started_by_hand(site.engine, site.project)}
    for service, image in release.images.items():
        name, info = protecting_tag(release, service), site.engine.image(image)
        if info and image in lent and info.tags == (name,):
            continue
        site.engine.untag(name)
        left = site.engine.image(image)
        if left and image not in used | lent and left.labels.get(PROJECT) == site.project:
            remove_own(site.engine, left, site.project)


def started_by_hand(engine: Engine, project: str) -> list[ContainerInfo]:
    """Containers that somebody started from an image of ours. They have inherited the image's
    labels, and are not ours."""
    return engine.containers(select(project, "image"))
