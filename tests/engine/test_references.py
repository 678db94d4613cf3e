"""Our reading of image references is the engine's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import docker
import docker.errors
import pytest

from pipeline.kit import references
from pipeline.kit.references import BadReference

pytestmark = pytest.mark.engine

TEXTS = [
    "hello", "hello:1.2", "acme/hello", "a/b/c/d", "localhost/hello", "localhost:5000/hello",
    "[::1]:5000/hello", "docker.io/hello", "Registry/hello", "reg.example:443/a__b/c--d/e.f_g",
    "hello:A_b.c-d", "127.0.0.1:5000/x", "a" * 200,
    "Hello", "acme/Hello", "-hello", "--upload-pack=x", "hello-", "a___b", "a..b/c", "a.-b",
    "hello/", "/hello", "reg.example//a", "reg.example/", "https://reg.example/a", "a b", "a\n",
    "hello:", "hello:-x", "hello:.x", "hello:a b", "hello:ü", "hello:" + "x" * 129, "host-:80/a",
    "f" * 64, "a" * 300, "_a", "a_", "a/_b", "é", "a@b", "host:port/a",
]  # fmt: skip


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[str]:
    base = engine.images.pull("busybox:1")
    container = engine.containers.create(base.id, name=f"references-{uuid.uuid4().hex[:8]}")
    made = container.commit(conf={"Labels": {"test": "references"}})
    container.remove()
    yield made.id
    engine.images.remove(made.id, force=True)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
def test_what_the_engine_takes_is_what_we_take(
    engine: docker.DockerClient, image: str, text: str
) -> None:
    try:
        engine.api.tag(image, text)
        takes = True
    except docker.errors.APIError as error:
        assert error.status_code in (400, 500), error
        takes = False
    try:
        known = str(references.parse(text)).removesuffix(":latest")
    except BadReference:
        known = None
    assert (known is not None) is takes
    if known is not None:
        names = engine.images.get(image).tags
        assert any(str(references.parse(name)).removesuffix(":latest") == known for name in names)
