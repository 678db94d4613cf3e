"""Where to push, as it is written in pipeline.yml, and what images are called there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from pipeline.artifacts import Frozen
from pipeline.kit import references, secret_refs
from pipeline.kit.references import Reference
from pipeline.kit.tags import TagPolicy
from pipeline.kit.units import PortNumber

SERVICE = "{service}"
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _checked_ref(ref: str) -> str:
    reference = references.parse(ref.replace(SERVICE, "service"))
    if reference.digest:
        raise ValueError(f"{ref} has a digest; what is pushed gets its own")
    return ref


def _secret_name(value: object) -> object:
    """``NAME``, ``{secret: NAME}`` or ``"{secret:NAME}"``; the value itself is never shown."""
    if isinstance(value, Mapping) and set(value) == {"secret"}:
        value = value["secret"]
    if isinstance(value, str):
        names = secret_refs.names(value)
        name = names[0] if names == [value.removeprefix("{secret:").removesuffix("}")] else value
        if _SECRET_NAME.fullmatch(name):
            return name
    raise ValueError(
        "a password is not written here but named: `password: {secret: NAME}`, with the NAME "
        "under `secrets:`"
    )


Ref = Annotated[str, AfterValidator(_checked_ref)]


class BaseTarget(Frozen):
    tags: tuple[TagPolicy, ...] = Field(
        default=(), description="Tags here, instead of those of the stage."
    )


class LocalSettings(Frozen):
    port: PortNumber | None = Field(
        default=None, description="Port on 127.0.0.1; by default the first free one from 5000 on."
    )


class LocalTarget(BaseTarget):
    """A registry on this machine, started when there is none."""

    local: LocalSettings = Field(description="Settings of the registry; may be empty.")

    @field_validator("local", mode="before")
    @classmethod
    def _nothing_is_fine(cls, value: object) -> object:
        return {} if value in (None, True) else value

    @property
    def title(self) -> str:
        return "local"


class ArchiveTarget(BaseTarget):
    """A file that ``docker load`` reads, with all images in it."""

    archive: str = Field(min_length=1, description="Path of the file, from the pipeline file on.")

    @property
    def title(self) -> str:
        return self.archive


class RegistryTarget(BaseTarget):
    """A repository in a registry."""

    ref: Ref = Field(
        description="`host/name`; with `{service}`, or the service's name behind it, for several."
    )
    username: str = Field(default="", description="With `password`; else Docker's own credentials.")
    password: str | None = Field(default=None, description="Name of a secret.", repr=False)

    @field_validator("password", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return None if value is None else _secret_name(value)

    @model_validator(mode="after")
    def _consistent(self) -> RegistryTarget:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.tags and self.reference.tag:
            raise ValueError("the tag is in `ref:` already; write it there or under `tags:`")
        return self

    @property
    def reference(self) -> Reference:
        """With a stand-in for the service."""
        return references.parse(self.ref.replace(SERVICE, "service"))

    @property
    def title(self) -> str:
        return self.ref


Where = LocalTarget | ArchiveTarget | RegistryTarget


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    for key, model in (("local", LocalTarget), ("archive", ArchiveTarget)):
        if isinstance(value, model) or (isinstance(value, Mapping) and key in value):
            return key
    return "registry"


def _meant(text: str) -> Where:
    """A text by itself is short for a mapping: ``local``, or a reference."""
    return LocalTarget(local=LocalSettings()) if text == "local" else RegistryTarget(ref=text)


Target = Annotated[
    Annotated[LocalTarget, Tag("local")]
    | Annotated[ArchiveTarget, Tag("archive")]
    | Annotated[RegistryTarget, Tag("registry")]
    | Annotated[str, AfterValidator(_meant), Tag("text")],
    Discriminator(_kind),
]


def as_targets(targets: Sequence[Where | str]) -> tuple[Where, ...]:
    """The same, for a type checker: validation has replaced every text by what it means."""
    return tuple(target for target in targets if not isinstance(target, str))


def _some_and_no_doubles(targets: tuple[Where | str, ...]) -> tuple[Where | str, ...]:
    if not targets:
        raise ValueError("an empty list pushes nowhere; name a target, or leave `push` out")
    titles = [target.title for target in as_targets(targets)]
    if double := next((title for title in titles if titles.count(title) > 1), None):
        raise ValueError(f"{double} is there twice; give one target several `tags:`")
    return targets


Targets = Annotated[
    tuple[Target, ...],
    AfterValidator(_some_and_no_doubles),
    Field(json_schema_extra={"minItems": 1}),
]


def repositories(pattern: str, services: Sequence[str]) -> dict[str, Reference]:
    """Service → its repository. ``pattern`` is a reference, perhaps with ``{service}``; without it
    several services get their name behind it: ``acme/shop-web``.

    Raises:
        BadReference: a service's name makes none.
    """
    if SERVICE not in pattern and len(services) > 1:
        name, colon, tag = pattern.rpartition(":")
        pattern = f"{name}-{SERVICE}:{tag}" if colon and "/" not in tag else f"{pattern}-{SERVICE}"
    return {
        service: references.parse(pattern.replace(SERVICE, references.path_component(service)))
        for service in services
    }
