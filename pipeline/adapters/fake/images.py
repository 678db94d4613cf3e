"""Images of the fake engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.adapters.docker.errors import registry_error
from pipeline.adapters.fake.files import MINIMAL, Files
from pipeline.adapters.fake.program import Program
from pipeline.adapters.fake.state import FakeImage, Remote, State, familiar, full, matches
from pipeline.artifacts import Finding
from pipeline.errors import EngineRefused, NotFound, StageFailed
from pipeline.kit import references
from pipeline.kit.content import content_hash
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile.parse import parse
from pipeline.kit.hashing import fingerprint
from pipeline.kit.ignore import Ignore, in_force
from pipeline.ports.engine import (
    BuildListener,
    BuildRequest,
    BuildStep,
    Health,
    ImageInfo,
    OnBytes,
    OnLine,
    Settings,
)
from pipeline.ports.registry import Auth
from pipeline.scope import Scope

SIZE = 10_000_000
PLATFORM = "linux/amd64"


class FakeImages:
    """The part of the port about images."""

    state: State

    # looking

    def image(self, ref: str) -> ImageInfo | None:
        with self.state.lock:
            self.state.enter("image")
            found = self._find(ref)
            return self._info(found) if found else None

    def images(self, labels: Mapping[str, str]) -> list[ImageInfo]:
        with self.state.lock:
            self.state.enter("images")
            found = self.state.images.values()
            return [self._info(image) for image in found if matches(image.labels, labels)]

    def _find(self, ref: str) -> FakeImage | None:
        state = self.state
        wanted = ref.removeprefix("sha256:")
        if wanted and not set(wanted) - set("0123456789abcdef"):
            by_id = [image for key, image in state.images.items() if key[7:].startswith(wanted)]
            if len(by_id) == 1:
                return by_id[0]
        try:
            name, digest = familiar(ref), references.parse(ref).digest
        except references.BadReference:
            return None
        if digest:
            pinned = _pinned(ref, digest)
            return next((i for i in state.images.values() if pinned in i.digests), None)
        return state.images.get(state.tags.get(name, ""))

    def _get(self, ref: str) -> FakeImage:
        found = self._find(ref)
        if found is None:
            raise NotFound(f"No such image: {ref}")
        return found

    def _names(self, image: FakeImage) -> list[str]:
        return [name for name, key in self.state.tags.items() if key == image.id]

    def _info(self, image: FakeImage) -> ImageInfo:
        return ImageInfo(
            id=image.id, tags=tuple(self._names(image)), digests=tuple(sorted(image.digests)),
            size=SIZE, created=image.created, labels=image.labels, platform=PLATFORM,
            ports=image.ports, health=image.health, user=image.user, settings=image.settings,
        )  # fmt: skip

    def _users(self, image: FakeImage, *, running: bool = False) -> list[str]:
        users = [c for c in self.state.containers.values() if c.image is image]
        return [c.name for c in users if c.running or not running]

    # naming and removing

    def tag(self, image: str, ref: str) -> None:
        with self.state.lock:
            self.state.enter("tag", image, ref)
            self.state.tags[familiar(ref)] = self._get(image).id

    def untag(self, ref: str) -> None:
        with self.state.lock:
            self.state.enter("untag", ref)
            image = self.state.images.get(self.state.tags.get(familiar(ref), ""))
            if image is None:
                return
            if self._names(image) == [familiar(ref)]:
                self._drop(image, self._users(image))
            del self.state.tags[familiar(ref)]

    def remove_image(self, image: str, *, force: bool = False) -> None:
        with self.state.lock:
            self.state.enter("remove_image", image)
            found = self._find(image)
            if found is None:
                return
            self._drop(found, self._users(found, running=force))
            for name in self._names(found):
                del self.state.tags[name]

    def _drop(self, image: FakeImage, users: Sequence[str]) -> None:
        if users:
            raise EngineRefused(
                f"the image {image.id[7:19]} is used by the container {users[0]}",
                hint=f"Remove the container first: `docker rm {users[0]}`.",
            )
        image.digests.clear()
        del self.state.images[image.id]

    # making

    def publish(
        self, ref: str, *, program: Program | None = None, ports: tuple[int, ...] = (),
        health: Health | None = None, files: Files = MINIMAL, settings: Settings | None = None,
    ) -> str:  # fmt: skip
        """Script: put an image into a registry, so that it can be pulled; its id."""
        with self.state.lock:
            image = FakeImage(
                id=_id("published", ref, self.state.number()), created=self.state.stamp(),
                program=program or self.state.program, ports=ports, health=health, files=files,
                settings=settings or Settings(),
            )  # fmt: skip
            self.state.remote[full(ref)] = Remote(_id("manifest", image.id), image)
            return image.id

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        scope.check()
        with self.state.lock:
            parsed = parse(request.dockerfile_text, request.dockerfile_name)
            steps = [
                BuildStep(id=str(number), name=f"[{number}/…] {item.keyword}", state="started")
                for number, item in enumerate(parsed.instructions, start=1)
            ]
            image = self._built(request, parsed)
            known = image.id in self.state.images
            for step in steps:
                listener.step(step)
                listener.step(step.model_copy(update={"state": "cached" if known else "done"}))
            self.state.enter("build", *request.tags)
            image = self.state.images.setdefault(image.id, image)
            image.program = self.state.program
            self.state.tags.update(dict.fromkeys(map(familiar, request.tags), image.id))
            return self._info(image)

    def check(self, request: BuildRequest, scope: Scope) -> list[Finding] | None:
        scope.check()
        with self.state.lock:
            self.state.enter("check")
            return self.state.findings

    def _built(self, request: BuildRequest, parsed: m.Dockerfile) -> FakeImage:
        """An image whose id follows from what it is built from, as with a build cache."""
        context = Path(request.context)
        rules = request.ignore_text
        ignore = in_force(context) if rules is None else Ignore.parse(rules)
        content = content_hash(context, ignore)
        effective = parsed.effective()
        exposed = [port for item in effective if isinstance(item, m.Expose) for port in item.ports]
        checks = [item for item in effective if isinstance(item, m.Healthcheck) and item.command]
        users = [item.user for item in effective if isinstance(item, m.User)]
        return FakeImage(
            id=_id(request.dockerfile_text, content, request.args, request.target, request.labels),
            created=self.state.stamp(), program=self.state.program, labels=dict(request.labels),
            ports=tuple(int(port.partition("/")[0]) for port in exposed),
            health=Health(test=("CMD", "check")) if checks else None,
            user=users[-1] if users else "", files=self.state.files,
        )  # fmt: skip

    def commit(self, container: str, ref: str, labels: Mapping[str, str]) -> ImageInfo:
        with self.state.lock:
            self.state.enter("commit", container, ref)
            source = next(
                (c for c in self.state.containers.values() if container in (c.id, c.name)), None
            )
            if source is None:
                raise NotFound(f"No such container: {container}")
            image = FakeImage(
                id=_id("commit", self.state.number(), ref), created=self.state.stamp(),
                program=source.program, ports=source.image.ports, files=source.files,
                labels={**source.image.labels, **source.spec.labels, **labels},
            )  # fmt: skip
            self.state.images[image.id] = image
            self.state.tags[familiar(ref)] = image.id
            return self._info(image)

    # archives

    def save(self, refs: Sequence[str], path: str, scope: Scope) -> None:
        scope.check()
        with self.state.lock:
            self.state.enter("save", *refs)
            images = {ref: self._get(ref) for ref in refs}
            self.state.archived.update({image.id: image for image in images.values()})
            names = {image.id: self._names(image) for image in images.values()}
            Path(path).write_text(json.dumps(names))

    def load(self, path: str, scope: Scope) -> list[ImageInfo]:
        scope.check()
        with self.state.lock:
            self.state.enter("load", path)
            try:
                names: dict[str, list[str]] = json.loads(Path(path).read_text())
            except ValueError as error:
                raise StageFailed(f"the engine cannot load {path}") from error
            for key, tags in names.items():
                self.state.images[key] = self.state.archived[key]
                self.state.tags.update(dict.fromkeys(tags, key))
            return [self._info(self.state.images[key]) for key in names]

    # registries

    def push(
        self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope,
        on_bytes: OnBytes | None = None,
    ) -> str:  # fmt: skip
        scope.check()
        with self.state.lock:
            self.state.enter("push", ref)
            image = self._get(ref)
            self._reach(ref, auth)
            remote = Remote(_id("manifest", image.id), image)
            self.state.remote[full(ref)] = remote
            image.digests.add(_pinned(ref, remote.digest))
            on_line(f"{references.parse(ref).tag}: digest: {remote.digest}")
            return remote.digest

    def digest(self, ref: str, auth: Auth | None, scope: Scope) -> str:
        scope.check()
        with self.state.lock:
            self.state.enter("digest", ref)
            return self._remote(ref, auth).digest

    def pull(self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope) -> ImageInfo:
        scope.check()
        with self.state.lock:
            self.state.enter("pull", ref)
            remote = self._remote(ref, auth)
            image = self.state.images.setdefault(remote.image.id, remote.image)
            image.digests.add(_pinned(ref, remote.digest))
            if not references.parse(ref).digest:
                self.state.tags[familiar(ref)] = image.id
            on_line(f"Pulled {ref}")
            return self._info(image)

    def _remote(self, ref: str, auth: Auth | None) -> Remote:
        """What a registry has for a name; of one with a digest, that very manifest."""
        self._reach(ref, auth)
        digest = references.parse(ref).digest
        known = self.state.remote.values() if digest else ()
        found = next((remote for remote in known if remote.digest == digest), None)
        found = found or self.state.remote.get(full(ref))
        if found is None:
            raise registry_error(ref, f"manifest for {ref} not found: manifest unknown")
        return found

    def _reach(self, ref: str, auth: Auth | None) -> None:
        """Raise what an engine reports of the registry that ``ref`` names."""
        host = references.parse(ref).host
        serves = any(
            host.endswith(f":{port.host_port}")
            for container in self.state.containers.values()
            for port in container.ports
        )
        if host not in self.state.registries and not serves:
            raise registry_error(ref, f"dial tcp {host}: connect: connection refused")
        wanted = self.state.registries.get(host)
        if wanted is None:
            return
        given = auth or Auth()
        if (given.username, given.password) != (wanted.username, wanted.password):
            raise registry_error(ref, "unauthorized: authentication required")


def _id(*parts: object) -> str:
    return f"sha256:{hashlib.sha256(fingerprint(*parts).encode()).hexdigest()}"


def _pinned(ref: str, digest: str) -> str:
    return f"{references.parse(ref).familiar}@{digest}"
