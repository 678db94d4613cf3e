"""The image of fronts and of the gate."""

from __future__ import annotations

from pipeline.ports import Engine, Journal
from pipeline.ports.engine import ImageInfo
from pipeline.scope import Scope

IMAGE = "caddy:2"


def caddy_image(engine: Engine, journal: Journal, scope: Scope) -> ImageInfo:
    """Caddy, pulled if the engine has not got it.

    Raises:
        RegistryUnavailable, NotFound: it cannot be had.
    """
    image = engine.image(IMAGE)
    if image is None:
        with journal.effect("pull", IMAGE):
            image = engine.pull(IMAGE, None, lambda line: None, scope)
    return image
