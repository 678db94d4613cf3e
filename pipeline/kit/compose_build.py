"""The ``build:`` sections of a Compose model, with literal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts import Frozen
from pipeline.kit.compose_text import hosts, pairs, plain


class FileOrVariable(Frozen):
    """Where a Compose secret's value is: exactly one is set."""

    file: str | None = None
    """Absolute path."""
    environment: str | None = None
    """Name of an environment variable."""


class BuildSpec(Frozen):
    """The ``build:`` of one service, with literal values."""

    service: str
    context: str
    """Absolute directory, or a URL that BuildKit takes."""
    dockerfile: str | None = None
    """Absolute path (within the context for a URL); None when it is written inline."""
    inline: str | None = None
    """Text of ``dockerfile_inline``."""
    image: str | None = None
    """The service's ``image:``, a name for the result."""
    target: str | None = None
    args: Mapping[str, str] = {}
    secrets: Mapping[str, FileOrVariable] = {}
    """Mount id → where its value is."""
    ssh: tuple[str, ...] = ()
    contexts: Mapping[str, str] = {}
    """``additional_contexts``: directory, URL, ``docker-image://…`` or ``service:NAME``."""
    labels: Mapping[str, str] = {}
    platforms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    network: str | None = None
    extra_hosts: Mapping[str, str] = {}
    ignored: tuple[str, ...] = ()
    """Keys of ``build:`` that are set but have no effect here."""

    @property
    def remote(self) -> bool:
        """Is the context fetched by BuildKit itself?"""
        return not self.context.startswith("/")

    @property
    def after(self) -> tuple[str, ...]:
        """Services whose images must be built before this one."""
        prefix = "service:"
        return tuple(v.removeprefix(prefix) for v in self.contexts.values() if v.startswith(prefix))


_PASSED_ON = {
    "context", "dockerfile", "dockerfile_inline", "target", "args", "secrets", "ssh",
    "additional_contexts", "labels", "platforms", "tags", "cache_from", "cache_to", "no_cache",
    "pull", "network", "extra_hosts",
}  # fmt: skip


def build_spec(name: str, service: Mapping[str, Any], secrets: Mapping[str, Any]) -> BuildSpec:
    """The ``build:`` of a service; ``secrets`` are those of the model."""
    build = service["build"]
    context = plain(build.get("context", "."))
    inline = build.get("dockerfile_inline")
    image = service.get("image")
    return BuildSpec(
        service=name,
        context=context,
        dockerfile=None if inline is not None else _dockerfile(context, build),
        inline=None if inline is None else plain(inline),
        image=None if image is None else plain(image),
        target=build.get("target"),
        args=pairs(build.get("args")),
        secrets=_build_secrets(build.get("secrets") or (), secrets),
        ssh=_texts(build.get("ssh")),
        contexts=pairs(build.get("additional_contexts")),
        labels=pairs(build.get("labels")),
        platforms=_texts(build.get("platforms")),
        tags=_texts(build.get("tags")),
        cache_from=_texts(build.get("cache_from")),
        cache_to=_texts(build.get("cache_to")),
        no_cache=bool(build.get("no_cache")),
        pull=bool(build.get("pull")),
        network=build.get("network"),
        extra_hosts=hosts(build.get("extra_hosts")),
        ignored=tuple(sorted(key for key in build if key not in _PASSED_ON and build[key])),
    )


def _dockerfile(context: str, build: Mapping[str, Any]) -> str:
    name = plain(build.get("dockerfile") or "Dockerfile")
    return str(Path(context, name)) if context.startswith("/") else name


def _build_secrets(
    wanted: Iterable[Mapping[str, Any]], declared: Mapping[str, Any]
) -> dict[str, FileOrVariable]:
    found = {}
    for entry in wanted:
        source = declared.get(entry["source"]) or {}
        file, variable = source.get("file"), source.get("environment")
        found[entry.get("target") or entry["source"]] = FileOrVariable(
            file=None if file is None else plain(file), environment=variable
        )
    return found


def _texts(values: Sequence[object] | None) -> tuple[str, ...]:
    return tuple(plain(value) for value in values or ())
