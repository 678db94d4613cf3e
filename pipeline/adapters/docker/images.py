"""Images: look, name, move. (Building them is in ``builds``.)"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.errors import registry_error
from pipeline.adapters.docker.mapping import image_info, label_filter
from pipeline.adapters.docker.progress import Transfer, failure, messages
from pipeline.errors import EngineRefused, NotFound, StageFailed
from pipeline.kit import references
from pipeline.ports.engine import ImageInfo, OnBytes, OnLine
from pipeline.ports.registry import Auth
from pipeline.scope import Scope

_DIGEST = re.compile(r": digest: (sha256:[0-9a-f]{64}) size: ")
_LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")


class Images:
    """The part of the engine port about images."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def image(self, ref: str) -> ImageInfo | None:
        return find_image(self._client, ref)

    def images(self, labels: Mapping[str, str]) -> list[ImageInfo]:
        wanted = {"label": label_filter(labels)}
        found = self._client.ask(lambda api: api.images(filters=wanted))
        details = (self.image(item["Id"]) for item in found)
        return [info for info in details if info]

    def tag(self, image: str, ref: str) -> None:
        repository, tag = _split(ref)
        self._client.ask(lambda api: api.tag(image, repository, tag))

    def untag(self, ref: str) -> None:
        with contextlib.suppress(NotFound):
            self._client.ask(lambda api: api.remove_image(str(references.parse(ref))))

    def remove_image(self, image: str, *, force: bool = False) -> None:
        info = self.image(image)
        if info is None:
            return
        if not force:
            self._refuse_if_used(info.id)
            for name in info.tags[1:]:  # by id, one of several names is only removed by force
                self.untag(name)
        with contextlib.suppress(NotFound):
            self._client.ask(lambda api: api.remove_image(info.id, force=force))

    def _refuse_if_used(self, image: str) -> None:
        """Before any name is taken away: an image that a container needs stays as it is."""
        wanted = {"ancestor": image}
        found = self._client.ask(lambda api: api.containers(all=True, filters=wanted))
        users = [item["Names"][0].removeprefix("/") for item in found if item["ImageID"] == image]
        if users:
            raise EngineRefused(
                f"the image {image[7:19]} is used by the container {users[0]}",
                hint=f"Remove the container first: `docker rm {users[0]}`.",
            )

    def digest(self, ref: str, auth: Auth | None, scope: Scope) -> str:
        repository, tag = _split(ref)
        path, headers = (
            f"/distribution/{repository}:{tag}/json",
            {"X-Registry-Auth": _auth_header(auth)},
        )
        try:
            with self._client.stream("GET", path, headers=headers, scope=scope) as chunks:
                return str(json.loads(b"".join(chunks))["Descriptor"]["digest"])
        except (NotFound, EngineRefused) as error:
            raise registry_error(ref, error.message) from error

    def pull(self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope) -> ImageInfo:
        parsed = references.parse(ref)
        params = {"fromImage": parsed.repository, "tag": parsed.digest or parsed.tag or "latest"}
        with self._registry(ref, "/images/create", params, auth, scope) as stream:
            transfer = Transfer(on_line)
            for message in stream:
                transfer.tell(message)
        found = self.image(ref)
        if found is None:
            raise NotFound(f"{ref} was pulled and is gone again")
        return found

    def push(
        self, ref: str, auth: Auth | None, on_line: OnLine, scope: Scope,
        on_bytes: OnBytes | None = None,
    ) -> str:  # fmt: skip
        repository, tag = _split(ref)
        digest = ""
        path = f"/images/{repository}/push"
        with self._registry(ref, path, {"tag": tag}, auth, scope) as stream:
            transfer = Transfer(on_line, on_bytes)
            for message in stream:
                transfer.tell(message)
                digest = _pushed(message) or digest
        if not digest:
            raise registry_error(ref, "it named no digest for what was pushed")
        return digest

    @contextlib.contextmanager
    def _registry(
        self, ref: str, path: str, params: Mapping[str, str], auth: Auth | None, scope: Scope
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """The messages of a pull or push; whatever is reported of the registry is raised."""
        headers = {"X-Registry-Auth": _auth_header(auth)}

        def told(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
            for message in messages(chunks):
                if text := failure(message):
                    raise registry_error(ref, text)
                yield message

        with contextlib.ExitStack() as stack:
            try:
                chunks = stack.enter_context(
                    self._client.stream("POST", path, params=params, headers=headers, scope=scope)
                )
            except (NotFound, EngineRefused) as error:  # before the first message
                raise registry_error(ref, error.message) from error
            yield told(chunks)

    def save(self, refs: Sequence[str], path: str, scope: Scope) -> None:
        target = Path(path)
        params = {"names": list(refs)}
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as aside:
            try:
                with self._client.stream("GET", "/images/get", params=params, scope=scope) as data:
                    for chunk in data:
                        aside.write(chunk)
                aside.flush()
                os.fsync(aside.fileno())
                _check_archive(Path(aside.name), refs)
                Path(aside.name).replace(target)
            except BaseException:
                Path(aside.name).unlink(missing_ok=True)
                raise

    def load(self, path: str, scope: Scope) -> list[ImageInfo]:
        names: list[str] = []
        with (
            Path(path).open("rb") as archive,
            self._client.stream(
                "POST", "/images/load", params={"quiet": 1}, body=archive, scope=scope
            ) as chunks,
        ):
            for message in messages(chunks):
                if text := failure(message):
                    raise StageFailed(f"the engine cannot load {path}", detail=text)
                names += _LOADED.findall(str(message.get("stream", "")))
        found = (self.image(name) for name in names)
        return list({info.id: info for info in found if info}.values())

    def commit(self, container: str, ref: str, labels: Mapping[str, str]) -> ImageInfo:
        repository, tag = _split(ref)
        made = self._client.ask(
            lambda api: api.commit(container, repository, tag, conf={"Labels": dict(labels)})
        )
        return image_info(self._client.ask(lambda api: api.inspect_image(made["Id"])))


def find_image(client: Client, ref: str) -> ImageInfo | None:
    """By id, id prefix or name; None when the engine has no such image."""
    with contextlib.suppress(NotFound):
        return image_info(client.ask(lambda api: api.inspect_image(ref)))
    return None


def _split(ref: str) -> tuple[str, str]:
    """Repository and tag, ``latest`` when none is written."""
    parsed = references.parse(ref)
    return parsed.repository, parsed.tag or "latest"


def _auth_header(auth: Auth | None) -> str:
    """``X-Registry-Auth`` for this one call; an empty object keeps the engine from using others."""
    fields: dict[str, str] = {}
    if auth is not None:
        fields = {"username": auth.username, "password": auth.password}
        if auth.identity_token:
            fields = {"identitytoken": auth.identity_token}
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def _pushed(message: Mapping[str, Any]) -> str:
    """The digest, if this message names it: each of an engine's image stores does in its way."""
    aux = message.get("aux")
    if isinstance(aux, dict) and aux.get("Digest"):
        return str(aux["Digest"])
    match = _DIGEST.search(str(message.get("status", "")))
    return match[1] if match else ""


def _check_archive(path: Path, refs: Sequence[str]) -> None:
    """An engine that fails half-way ends its answer early or puts the error into it."""
    try:
        with tarfile.open(path) as archive:
            archive.getmember("manifest.json")
    except (tarfile.TarError, KeyError, EOFError) as error:
        text = path.read_bytes()[:500].decode("utf-8", "replace")
        raise EngineRefused(
            f"the engine did not write a whole archive of {', '.join(refs)}", detail=text
        ) from error
