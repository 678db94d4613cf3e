"""Which switch suits which kind of release."""

from __future__ import annotations

from pipeline.artifacts import Release
from pipeline.kit.releases.compose_switch import ComposeSwitch
from pipeline.kit.releases.container_switch import ContainerSwitch
from pipeline.kit.releases.fronted_switch import FrontedSwitch
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.switch import Switch


def switch_for(release: Release, site: Site) -> Switch:
    """The switch for ``release`` on ``site``."""
    if release.kind == "compose":
        return ComposeSwitch(site)
    return FrontedSwitch(site) if release.handover else ContainerSwitch(site)
