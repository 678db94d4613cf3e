"""A kept release's images carry a name of their own, so that no pruning of others takes them."""

from __future__ import annotations

from pipeline.artifacts import Release
from pipeline.kit.labels import PROJECT
from pipeline.kit.releases.site import Site


def protecting_tag(release: Release, service: str) -> str:
    """The local name that keeps a release's image."""
    return f"dockcycle/{release.project}-{service}:{release.id}"


def protect(site: Site, release: Release) -> None:
    """Name every image of ``release``. Idempotent."""
    for service, image in release.images.items():
        tag = protecting_tag(release, service)
        with site.journal.effect("tag", tag):
            site.engine.tag(image, tag)


def unprotect(site: Site, release: Release) -> None:
    """Give the names up, and remove images that this project built and no kept release uses."""
    used = {image for kept in site.ledger.releases() for image in kept.images.values()}
    for service, image in release.images.items():
        site.engine.untag(protecting_tag(release, service))
        info = site.engine.image(image)
        if info and image not in used and info.labels.get(PROJECT) == site.project:
            site.engine.remove_image(image, force=True)
