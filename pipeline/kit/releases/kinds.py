"""Which switch suits which kind of release."""

from __future__ import annotations

from pipeline.artifacts import Release
from pipeline.kit.releases.compose_switch import ComposeSwitch
from pipeline.kit.releases.container_switch import ContainerSwitch
from pipeline.kit.releases.fronted_switch import FrontedSwitch
from pipeline.kit.releases.routed_switch import RoutedSwitch
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.switch import Fronted, Switch


def switch_for(release: Release, site: Site) -> Switch:
    """The switch for ``release`` on ``site``."""
    if release.handover:
        return fronted_for(release, site)
    return ComposeSwitch(site) if release.kind == "compose" else ContainerSwitch(site)


def fronted_for(release: Release, site: Site) -> Fronted:
    """The switch for a release that is behind a front."""
    return RoutedSwitch(site) if release.kind == "compose" else FrontedSwitch(site)
