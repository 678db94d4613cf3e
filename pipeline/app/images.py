"""The project's own images: those that carry its label, under whatever names they have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.app.live import site_of
from pipeline.app.status import serving_containers
from pipeline.app.workspace import Workspace
from pipeline.artifacts import SINGLE, Release
from pipeline.errors import EngineRefused, NotFound, UsageError
from pipeline.kit import references
from pipeline.kit.labels import PROJECT, ROLE, SERVICE, labels, select
from pipeline.kit.own_images import own_images, remove_own
from pipeline.ports.engine import ImageInfo
from pipeline.runner import Unrecorded
from pipeline.scope import Scope

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One image in a list. ``size`` in bytes; ``used_by`` names releases, and ``live``."""

    id: str
    service: str
    tags: tuple[str, ...]
    size: int
    created: str
    used_by: tuple[str, ...]


class Images:
    """What the ``image`` commands do."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._engine = workspace.ports.engine
        self._project = workspace.head.name

    def rows(self) -> list[Row]:
        """All images of the project, newest first."""
        users = self._users()
        return [
            Row(
                id=image.id,
                service=service_of(image),
                tags=image.tags,
                size=image.size,
                created=image.created,
                used_by=tuple(users.get(image.id, ())),
            )
            for image in self._own()
        ]

    def find(self, name: str | None) -> ImageInfo:
        """By id, start of an id, name, service, release (``r12``, ``r12:web``); None: what was
        built last.

        Raises:
            NotFound: the project has no such image.
            UsageError: several are meant.
        """
        own = self._own()
        if not own:
            raise NotFound(
                f"{self._project} has no image on this engine",
                hint="`dockcycle image build` makes one.",
            )
        if name is None:
            return _only(self._latest(own), "the image that was built last")
        for found in (
            [
                image
                for image in own
                if image.id == name or image.id.removeprefix("sha256:") == name
            ],
            [image for image in own if _is_called(image, name)],
            self._of_release(own, name),
            [image for image in self._latest(own) if service_of(image) == name],
            [image for image in own if _starts(image, name)],
        ):
            if found:
                return _only(found, repr(name))
        raise NotFound(
            f"{self._project} has no image {name!r}", hint="`dockcycle image ls` lists them."
        )

    def tag(self, target: str, image: str | None) -> str:
        """Give an image one more name; that name in full."""
        reference = _tagged(target)
        self._engine.tag(self.find(image).id, str(reference))
        return str(reference)

    def remove(self, name: str, *, force: bool) -> str:
        """Remove an image with all its names; its id.

        Raises:
            EngineRefused: a release needs it and ``force`` is not given.
        """
        image = self.find(name)
        users = self._users().get(image.id, [])
        if users and not force:
            raise EngineRefused(
                f"{image.id[:19]} is needed by {', '.join(users)}",
                hint="Without it that release cannot come back. `--force` removes it all the same.",
            )
        self._engine.remove_image(image.id, force=force)
        return image.id

    def unused(self) -> list[ImageInfo]:
        """Those that no kept release, no container and no later run needs."""
        needed = set(self._users())
        needed |= {c.image for c in self._engine.containers(select(self._project))}
        needed |= set(self._reusable())
        own = own_images(self._engine, self._project)
        return [image for image in own if image.id not in needed]

    def prune(self) -> list[ImageInfo]:
        """Remove what is unused; what went."""
        gone = self.unused()
        for image in gone:
            remove_own(self._engine, image, self._project)
        return gone

    def save(self, name: str | None, file: str, scope: Scope) -> ImageInfo:
        """Write an archive with the image and its names."""
        image = self.find(name)
        self._engine.save(image.tags or (image.id,), file, scope)
        return image

    def load(self, file: str, scope: Scope) -> list[ImageInfo]:
        return self._engine.load(file, scope)

    def pull(self, name: str | None, tell: Tell, scope: Scope) -> list[ImageInfo]:
        """Pull one reference, or what the release in force was pushed as, by digest."""
        names = [name] if name else self._pushed()
        pulled = []
        for each in names:
            reference = references.parse(each)
            auth = self._workspace.ports.credentials.lookup(reference.host)
            pulled.append(self._engine.pull(str(reference), auth, tell, scope))
        return pulled

    def push(self, target: str, image: str | None, tell: Tell, scope: Scope) -> str:
        """Push an image under a name that it need not have here; ``repository@digest``."""
        from pipeline.kit.pushing import TemporaryTags, push_image

        ports = self._workspace.ports
        reference = _tagged(target)
        pushed = push_image(
            self.find(image).id,
            reference,
            ports.credentials.lookup(reference.host),
            ports=ports,
            tags=TemporaryTags(self._engine, Unrecorded()),
            on_line=tell,
            scope=scope,
        )
        return f"{reference.repository}@{pushed.digest}"

    def commit(self, target: str, service: str | None) -> ImageInfo:
        """An image of a serving container as it is now.

        Raises:
            NotFound: nothing serves, or no such service.
            UsageError: there are several services and none is named.
        """
        from pipeline.app.logs import service_of as service_of_container

        reference = _tagged(target)
        current = site_of(self._workspace).ledger.current()
        found = serving_containers(self._workspace, current)
        chosen = [c for c in found if service is None or service_of_container(c) == service]
        if not chosen:
            raise NotFound(f"no container of {service or self._project} is here")
        if len({service_of_container(c) for c in chosen}) > 1:
            names = ", ".join(sorted({service_of_container(c) for c in chosen}))
            raise UsageError("there are several services", hint=f"Give --service, of {names}.")
        marks = labels(self._project, "image", service=service_of_container(chosen[0]))
        return self._engine.commit(chosen[0].id, str(reference), marks)

    def _own(self) -> list[ImageInfo]:
        images = self._engine.images({PROJECT: self._project})
        own = [image for image in images if image.labels.get(ROLE, "image") == "image"]
        return sorted(own, key=lambda image: image.created, reverse=True)

    def _releases(self) -> list[Release]:
        return site_of(self._workspace).ledger.releases()

    def _users(self) -> dict[str, list[str]]:
        """Image id → the releases that need it; the one in force is called ``live`` too."""
        current = site_of(self._workspace).ledger.current()
        users: dict[str, list[str]] = {}
        for release in self._releases():
            names = [release.id]
            if current and current.release.id == release.id:
                names.append("live")
            for image in release.images.values():
                users.setdefault(image, []).extend(names)
        return users

    def _of_release(self, own: list[ImageInfo], name: str) -> list[ImageInfo]:
        wanted, _, service = name.partition(":")
        for release in self._releases():
            if release.id == wanted:
                ids = {i for s, i in release.images.items() if service in ("", s)}
                return [image for image in own if image.id in ids]
        return []

    def _latest(self, own: Sequence[ImageInfo]) -> list[ImageInfo]:
        """Of each service what was built last: by the last run (a build that was cached makes no
        newer image), else by the engine's clock."""
        last = set(self._reusable())
        found: dict[str, ImageInfo] = {}
        for image in sorted(own, key=lambda image: image.id not in last):
            found.setdefault(service_of(image), image)
        return list(found.values())

    def _reusable(self) -> Iterator[str]:
        """Images that the next run would reuse instead of building."""
        for success in self._workspace.store.successes(self._project):
            for artifact in success.artifacts:
                if artifact["type"] == "Images":
                    yield from (i["id"] for i in artifact["value"]["services"].values())

    def _pushed(self) -> list[str]:
        current = site_of(self._workspace).ledger.current()
        digests = current.release.digests.values() if current else ()
        first = [of_service[0] for of_service in digests if of_service]
        if not first:
            raise NotFound(
                f"{self._project} has no release that was pushed",
                hint="Name what to pull: `dockcycle image pull docker.io/acme/hello:1.4`.",
            )
        return first


def _tagged(name: str) -> references.Reference:
    """A reference that a tag can be set to; ``latest`` when it has none."""
    reference = references.parse(name)
    if reference.digest:
        raise UsageError(f"{name} has a digest", hint="Give a name with a tag: it gets its digest.")
    return reference if reference.tag else reference.tagged("latest")


def _is_called(image: ImageInfo, name: str) -> bool:
    try:
        wanted = str(_tagged(name))
    except UsageError:
        return False
    return any(str(references.parse(tag)) == wanted for tag in image.tags)


def _starts(image: ImageInfo, name: str) -> bool:
    return len(name) >= 4 and image.id.removeprefix("sha256:").startswith(name)


def service_of(image: ImageInfo) -> str:
    return image.labels.get(SERVICE, SINGLE)


def _only(images: list[ImageInfo], what: str) -> ImageInfo:
    if len(images) > 1:
        listed = ", ".join(f"{i.id[7:19]} ({service_of(i)})" for i in images[:8])
        raise UsageError(f"{what} could be several images", hint=f"Name one of {listed}.")
    return images[0]
