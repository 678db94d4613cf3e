"""Credentials for registries, as the push stage's targets and the docker command have them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.kit.push_targets import RegistryTarget
from pipeline.ports import Auth
from pipeline.stage import Context


def auth_of(ctx: Context, where: RegistryTarget) -> Auth | None:
    """The target's own credentials, else those that the docker command has."""
    if where.password:
        return Auth(
            username=ctx.secrets.expand(where.username),
            password=ctx.secrets.get(where.password),
            source=f"secret {where.password}",
        )
    return ctx.ports.credentials.lookup(where.reference.host)


def auth_for(ctx: Context, host: str) -> Auth | None:
    """For pulling from a host that the pipeline pushes to, or any other."""
    targets: Sequence[object] = getattr(ctx.peers.get("push"), "to", ())
    for where in targets:
        if isinstance(where, RegistryTarget) and where.reference.host == host:
            return auth_of(ctx, where)
    return ctx.ports.credentials.lookup(host)
