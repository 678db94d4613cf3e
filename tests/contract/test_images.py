"""Images: names, ids, use, archives, registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import (
    EngineRefused,
    NotFound,
    RegistryDenied,
    RegistryUnavailable,
    StageFailed,
)
from tests.contract.world import World


def ignore(_line: str) -> None:
    pass


def test_an_image_is_found_by_name_id_and_prefix(world: World) -> None:
    image = world.own_image()
    for ref in (world.ref(), image, image.removeprefix("sha256:")[:12]):
        found = world.engine.image(ref)
        assert found is not None
        assert found.id == image
        assert found.tags == (world.ref(),)
        assert found.labels["contract"] == world.id
    assert world.engine.image(world.ref("other")) is None


def test_images_are_listed_by_all_labels(world: World) -> None:
    image = world.own_image()
    assert [found.id for found in world.engine.images(world.labels)] == [image]
    assert [found.id for found in world.engine.images({**world.labels, "contract": ""})] != []
    assert world.engine.images({**world.labels, "other": "x"}) == []


def test_a_tag_moves_from_one_image_to_another(world: World) -> None:
    first, second = world.own_image("a"), world.own_image("b")
    world.engine.tag(second, world.ref("a"))
    found = world.engine.image(world.ref("a"))
    assert found is not None
    assert found.id == second
    left = world.engine.image(first)
    assert left is not None
    assert left.tags == ()


def test_tagging_nothing_is_an_error(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.tag(world.ref("missing"), world.ref("b"))


def test_the_last_name_takes_the_image_along(world: World) -> None:
    image = world.own_image()
    world.engine.tag(image, world.ref("b"))
    world.engine.untag(world.ref("a"))
    assert world.engine.image(image) is not None
    world.engine.untag(world.ref("b"))
    assert world.engine.image(image) is None
    world.engine.untag(world.ref("b"))


def test_the_last_name_of_an_image_in_use_stays(world: World) -> None:
    image = world.own_image()
    world.engine.create(world.spec("user", image=image))
    with pytest.raises(EngineRefused):
        world.engine.untag(world.ref())
    found = world.engine.image(image)
    assert found is not None
    assert found.tags == (world.ref(),)


def test_an_image_is_removed_with_all_its_names(world: World) -> None:
    image = world.own_image()
    world.engine.tag(image, world.ref("b"))
    world.engine.remove_image(image)
    assert world.engine.image(world.ref("a")) is None
    assert world.engine.image(world.ref("b")) is None
    world.engine.remove_image(image)


def test_an_image_in_use_is_not_removed_and_keeps_its_names(world: World) -> None:
    image = world.own_image()
    world.engine.tag(image, world.ref("b"))
    container = world.engine.create(world.spec("user", image=image))
    with pytest.raises(EngineRefused):
        world.engine.remove_image(image)
    found = world.engine.image(image)
    assert found is not None
    assert set(found.tags) == {world.ref("a"), world.ref("b")}
    world.engine.remove_image(image, force=True)
    assert world.engine.image(image) is None
    world.engine.remove(container)


def test_an_image_of_a_running_container_is_not_removed_even_by_force(world: World) -> None:
    image = world.own_image()
    world.started("user", image=image)
    with pytest.raises(EngineRefused):
        world.engine.remove_image(image, force=True)
    assert world.engine.image(image) is not None


def test_an_archive_brings_an_image_back_with_its_id(world: World, tmp_path: Path) -> None:
    image = world.own_image()
    path = tmp_path / "image.tar"
    world.engine.save([world.ref()], str(path), world.scope())
    world.engine.remove_image(image)
    loaded = world.engine.load(str(path), world.scope())
    assert [found.id for found in loaded] == [image]
    assert loaded[0].tags == (world.ref(),)


def test_no_archive_is_left_of_an_image_that_is_not_there(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        world.engine.save([world.ref("missing")], str(tmp_path / "image.tar"), world.scope())
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_archive_is_not_loaded(world: World, tmp_path: Path) -> None:
    path = tmp_path / "junk.tar"
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(StageFailed):
        world.engine.load(str(path), world.scope())


def test_a_push_gives_the_digest_that_a_pull_finds(world: World) -> None:
    image, ref = world.own_image(), f"{world.registry}/{world.ref()}"
    world.engine.tag(image, ref)
    digest = world.engine.push(ref, world.auth, ignore, world.scope())
    assert digest.startswith("sha256:")
    assert len(digest) == 71
    assert world.engine.push(ref, world.auth, ignore, world.scope()) == digest
    world.engine.remove_image(image, force=True)
    pulled = world.engine.pull(ref, world.auth, ignore, world.scope())
    assert pulled.id == image
    assert pulled.digests == (f"{ref.rpartition(':')[0]}@{digest}",)


def test_the_digest_of_a_name_is_asked_for_without_a_pull(world: World) -> None:
    image, ref = world.own_image(), f"{world.registry}/{world.ref()}"
    world.engine.tag(image, ref)
    digest = world.engine.push(ref, world.auth, ignore, world.scope())
    world.engine.remove_image(image, force=True)
    assert world.engine.digest(ref, world.auth, world.scope()) == digest
    assert world.engine.image(image) is None


def test_an_image_that_is_pulled_by_its_digest_has_no_other_name(world: World) -> None:
    image, ref = world.own_image(), f"{world.registry}/{world.ref()}"
    world.engine.tag(image, ref)
    digest = world.engine.push(ref, world.auth, ignore, world.scope())
    world.engine.remove_image(image, force=True)
    pinned = f"{ref.rpartition(':')[0]}@{digest}"
    pulled = world.engine.pull(pinned, world.auth, ignore, world.scope())
    assert (pulled.id, pulled.tags, pulled.digests) == (image, (), (pinned,))
    assert world.engine.image(pinned) == pulled
    assert world.engine.image(f"{ref}@{digest}") == pulled
    assert world.engine.image(f"{pinned[:-1]}{'01'[pinned.endswith('0')]}") is None


def test_no_digest_of_what_is_not_there_not_allowed_or_not_answered(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.digest(f"{world.registry}/{world.ref()}", world.auth, world.scope())
    with pytest.raises(RegistryDenied):
        world.engine.digest(f"{world.registry}/{world.ref()}", None, world.scope())
    with pytest.raises(RegistryUnavailable):
        world.engine.digest(f"{world.closed}/{world.ref()}", None, world.scope())


def test_a_push_without_credentials_is_denied(world: World) -> None:
    image, ref = world.own_image(), f"{world.registry}/{world.ref()}"
    world.engine.tag(image, ref)
    with pytest.raises(RegistryDenied) as caught:
        world.engine.push(ref, None, ignore, world.scope())
    assert f"docker login {world.registry}" in caught.value.hint


def test_a_push_to_nobody_says_that_nobody_answers(world: World) -> None:
    image, ref = world.own_image(), f"{world.closed}/{world.ref()}"
    world.engine.tag(image, ref)
    with pytest.raises(RegistryUnavailable):
        world.engine.push(ref, None, ignore, world.scope())


def test_a_push_of_what_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.push(f"{world.registry}/{world.ref()}", world.auth, ignore, world.scope())


def test_a_pull_of_what_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.pull(f"{world.registry}/{world.ref()}", world.auth, ignore, world.scope())
