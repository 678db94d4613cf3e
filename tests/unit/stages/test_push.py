import threading
from pathlib import Path

import pytest

from pipeline.artifacts import PushedImage, SmokeReport
from pipeline.errors import (
    EngineUnavailable,
    RegistryDenied,
    RegistryUnavailable,
    StageFailed,
    UsageError,
)
from pipeline.events import Notice
from pipeline.kit.sweep import TEMPORARY_TAG
from pipeline.ports import Auth
from tests.support.push import COMMIT, PushWorld, stage

OTHER = "sha256:" + "9" * 64


@pytest.fixture
def world() -> PushWorld:
    return PushWorld()


# what is pushed where


def test_the_image_is_pushed_by_id_and_read_back(world: PushWorld) -> None:
    made = world.push("reg.example/acme/hello")
    (pushed,) = made.services["app"]
    assert pushed.ref == f"reg.example/acme/hello:{COMMIT}"
    assert pushed.image == pushed.config == world.images["app"]
    assert pushed.digest.startswith("sha256:")
    assert world.remote() == {pushed.ref}
    assert made.summary() == pushed.ref


def test_the_name_there_is_gone_here_afterwards(world: PushWorld) -> None:
    before = world.names()
    world.push("reg.example/acme/hello")
    assert world.names() == before
    assert (TEMPORARY_TAG, f"reg.example/acme/hello:{COMMIT}") in world.recorded.journal.done
    assert ("push", f"reg.example/acme/hello:{COMMIT}") in world.recorded.journal.done


def test_a_plain_push_goes_to_the_registry_on_this_machine(world: PushWorld) -> None:
    (pushed,) = world.push().services["app"]
    assert pushed.ref == f"127.0.0.1:5000/hello:{COMMIT}"
    (registry,) = world.engine.containers({"dockcycle.role": "registry"})
    assert registry.name == "dockcycle-registry"


def test_tags_of_the_stage_and_of_a_target(world: PushWorld) -> None:
    world.push(
        "reg.example/a",
        {"ref": "reg.example/b", "tags": ["{date}"]},
        "reg.example/c:stable",
        tags=["{short}", "latest"],
    )
    assert world.remote() == {
        f"reg.example/a:{COMMIT[:12]}", "reg.example/a:latest", "reg.example/b:20260101",
        "reg.example/c:stable",
    }  # fmt: skip


def test_a_tag_without_a_value_is_told_once(world: PushWorld) -> None:
    context = world.context()
    push = stage("reg.example/a", tags=["{version}", "latest"])
    push.fingerprint(context)
    push.run(context)
    (notice,) = world.recorded.of(Notice)
    assert "{version} is left out" in notice.message


def test_several_services_have_their_name_in_the_repository() -> None:
    world = PushWorld(("web", "api"))
    world.push(
        "reg.example/shop", "reg.example/team/{service}/image", "reg.example/x:1", tags=["t"]
    )
    assert world.remote() == {
        "reg.example/shop-web:t", "reg.example/shop-api:t",
        "reg.example/team/web/image:t", "reg.example/team/api/image:t",
        "reg.example/x-web:1", "reg.example/x-api:1",
    }  # fmt: skip


def test_images_that_were_only_pulled_are_not_pushed() -> None:
    world = PushWorld(("web", "db"))
    made = world.push("reg.example/shop")
    assert list(made.services) == ["web"]
    assert world.remote() == {f"reg.example/shop:{COMMIT}"}


def test_what_the_registry_has_is_not_pushed_again(world: PushWorld) -> None:
    first = world.push("reg.example/a")
    world.engine.state.fail_always("push", RegistryDenied("not again"))
    assert world.push("reg.example/a") == first


def test_the_hub(world: PushWorld) -> None:
    (pushed,) = world.push("acme/hello").services["app"]
    assert pushed.ref == f"docker.io/acme/hello:{COMMIT}"


# credentials


def test_a_password_is_a_named_secret(world: PushWorld) -> None:
    world.engine.registries["private.example"] = Auth(username="ada", password="s3cr3t")
    target = {"ref": "private.example/a", "username": "ada", "password": {"secret": "TOKEN"}}
    assert world.push(target).services["app"]


def test_else_dockers_own_credentials_are_used(world: PushWorld) -> None:
    world.engine.registries["private.example"] = Auth(username="ada", password="x")
    world.logins["private.example"] = Auth(username="ada", password="x")
    assert world.push("private.example/a").services["app"]


def test_a_wrong_password_is_told_at_once(world: PushWorld) -> None:
    world.engine.registries["private.example"] = Auth(username="ada", password="x")
    with pytest.raises(RegistryDenied) as caught:
        world.push("private.example/a")
    assert "docker login private.example" in caught.value.hint
    assert world.clock.seconds == 0
    assert not any(name.startswith("private") for name in world.names())


def test_a_repository_that_the_first_push_makes_may_be_denied_before(world: PushWorld) -> None:
    world.engine.fail("manifest", RegistryDenied("no such repository, or no access"))
    assert world.push("reg.example/new").services["app"]


def test_a_denial_says_whose_credentials_were_refused(world: PushWorld) -> None:
    world.engine.fail("manifest", RegistryDenied("ada (from secret TOKEN) is refused"))
    world.engine.fail("push", RegistryDenied("denied"))
    with pytest.raises(RegistryDenied, match="from secret TOKEN"):
        world.push("reg.example/new")


def test_a_secret_that_is_not_declared_is_a_mistake_in_the_file(world: PushWorld) -> None:
    with pytest.raises(UsageError):
        world.push({"ref": "reg.example/a", "username": "a", "password": "MISSING"})


# tested = pushed


def test_an_image_that_was_not_tested_is_not_pushed(world: PushWorld) -> None:
    world.smoke = SmokeReport(images={"app": OTHER})
    with pytest.raises(StageFailed, match="is not the tested image"):
        world.push("reg.example/a")
    assert world.remote() == set()


def test_a_service_that_was_no_part_of_the_test_is_left_out_and_told() -> None:
    world = PushWorld(("web", "seed"))
    world.smoke = SmokeReport(images={"web": world.images["web"]})
    assert list(world.push("reg.example/shop").services) == ["web"]
    (notice,) = world.recorded.of(Notice)
    assert "seed is no part of the tested app" in notice.message


def test_a_pipeline_without_smoke_tests_pushes_what_was_built(world: PushWorld) -> None:
    world.smoke = None
    assert world.push("reg.example/a").services["app"]


def test_a_retag_of_the_local_name_changes_nothing(world: PushWorld) -> None:
    world.engine.tag(world.built("other:1"), "app:built")
    (pushed,) = world.push("reg.example/a").services["app"]
    assert pushed.config == world.images["app"]
    assert world.engine.image(world.images["app"]) is not None, "its last name took it along"


def test_a_name_that_is_given_away_before_the_push_is_noticed(world: PushWorld) -> None:
    other, tag = world.built("other:1"), world.engine.tag

    def stolen(image: str, ref: str) -> None:
        tag(other if ref.startswith("reg.example") else image, ref)

    world.engine.tag = stolen  # type: ignore[method-assign]
    with pytest.raises(StageFailed, match="is not the tested image"):
        world.push("reg.example/a")
    assert world.remote() == set()


def test_a_name_that_is_given_away_during_the_push_is_noticed(world: PushWorld) -> None:
    other, push = world.built("other:1"), world.engine.push

    def stolen(ref: str, *more: object) -> str:
        world.engine.tag(other, ref)
        return push(ref, *more)  # type: ignore[arg-type]

    world.engine.push = stolen  # type: ignore[method-assign]
    with pytest.raises(StageFailed, match="in the registry is not the tested image"):
        world.push("reg.example/a")


def test_someone_elses_push_of_the_same_tag_is_noticed(world: PushWorld) -> None:
    push = world.engine.push

    def overtaken(ref: str, *more: object) -> str:
        digest = push(ref, *more)  # type: ignore[arg-type]
        world.engine.publish(ref)
        return digest

    world.engine.push = overtaken  # type: ignore[method-assign]
    with pytest.raises(StageFailed, match="in the registry is not the tested image"):
        world.push("reg.example/a")


def test_a_registry_that_forgets_is_noticed(world: PushWorld) -> None:
    push = world.engine.push

    def lost(ref: str, *more: object) -> str:
        digest = push(ref, *more)  # type: ignore[arg-type]
        del world.engine.state.remote[ref]
        return digest

    world.engine.push = lost  # type: ignore[method-assign]
    with pytest.raises(StageFailed, match=r"the registry has no reg\.example/a"):
        world.push("reg.example/a")


# names of others


def test_a_name_that_the_user_has_on_the_image_stays(world: PushWorld) -> None:
    world.engine.tag(world.images["app"], "reg.example/a:latest")
    world.push("reg.example/a", tags=["latest"])
    assert "reg.example/a:latest" in world.names()


def test_a_name_that_the_user_has_on_another_image_returns_there(world: PushWorld) -> None:
    older = world.built("older:1")
    world.engine.tag(older, "reg.example/a:latest")
    world.push("reg.example/a", tags=["latest"])
    found = world.engine.image("reg.example/a:latest")
    assert found is not None and found.id == older
    assert (TEMPORARY_TAG, f"reg.example/a:latest {older}") in world.recorded.journal.begun


def test_names_are_taken_back_when_the_push_fails(world: PushWorld) -> None:
    world.engine.state.fail_always("push", RegistryDenied("no"))
    before = world.names()
    with pytest.raises(RegistryDenied):
        world.push("reg.example/a")
    assert world.names() == before


def test_what_an_engine_that_went_away_kept_is_taken_back_by_cleanup(world: PushWorld) -> None:
    def gone(ref: str, *more: object) -> str:
        world.engine.state.unavailable = True
        raise EngineUnavailable("gone")

    world.engine.push = gone  # type: ignore[method-assign]
    push, context, before = stage("reg.example/a"), world.context(), world.names()
    with pytest.raises(EngineUnavailable):
        push.run(context)
    assert world.names() != before
    world.engine.state.unavailable = False
    push.cleanup(context)
    assert world.names() == before


def test_cleanup_is_safe_when_nothing_began(world: PushWorld) -> None:
    before = world.names()
    stage("reg.example/a").cleanup(world.context())
    assert world.names() == before


# faults and several targets


def test_a_registry_that_stumbles_is_tried_again(world: PushWorld) -> None:
    world.engine.fail("push", *[RegistryUnavailable("503")] * 3)
    assert world.push("reg.example/a").services["app"]
    assert world.clock.seconds > 1


def test_a_registry_that_stays_down_is_given_up(world: PushWorld) -> None:
    with pytest.raises(RegistryUnavailable):
        world.push("down.example/a")
    assert world.clock.seconds > 2


def test_one_failing_target_fails_the_stage_and_the_others_are_told(world: PushWorld) -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        world.push("down.example/a", "reg.example/a", "gone.example/b")
    assert "down.example" in caught.value.message
    told = {(notice.level, notice.message) for notice in world.recorded.of(Notice)}
    assert ("info", f"pushed all the same: reg.example/a:{COMMIT}") in told
    assert any(level == "error" and message.startswith("gone.example/b: ")
               for level, message in told)  # fmt: skip


def test_targets_are_pushed_side_by_side(world: PushWorld) -> None:
    together = threading.Barrier(2, timeout=20)
    push = world.engine.push

    def both(ref: str, *more: object) -> str:
        together.wait()
        return push(ref, *more)  # type: ignore[arg-type]

    world.engine.push = both  # type: ignore[method-assign]
    made = world.push("reg.example/a", "acme/b")
    assert [one.ref for one in made.services["app"]] == [
        f"reg.example/a:{COMMIT}", f"docker.io/acme/b:{COMMIT}",
    ]  # fmt: skip


# again


def test_the_fingerprint_follows_images_tags_and_targets(world: PushWorld) -> None:
    usual = stage("reg.example/a").fingerprint(world.context())
    assert usual == stage("reg.example/a").fingerprint(world.context())
    assert usual != stage("reg.example/b").fingerprint(world.context())
    assert usual != stage("reg.example/a", tags=["latest"]).fingerprint(world.context())
    world.images["app"] = OTHER
    assert usual != stage("reg.example/a").fingerprint(world.context())


def test_what_is_still_in_the_registry_need_not_be_pushed(world: PushWorld) -> None:
    push = stage("reg.example/a")
    made = push.run(world.context())
    assert push.still_valid(world.context(), made)
    world.engine.publish(f"reg.example/a:{COMMIT}")
    assert not push.still_valid(world.context(), made), "someone else has pushed since"
    world.engine.state.remote.clear()
    assert not push.still_valid(world.context(), made)
    world.engine.state.fail_always("manifest", RegistryUnavailable("down"))
    assert not push.still_valid(world.context(), made)


def test_an_archive_that_changed_has_to_be_written_again(world: PushWorld, tmp_path: Path) -> None:
    from pipeline.artifacts import PushedImages
    from pipeline.kit.archives import file_digest

    path = tmp_path / "hello.tar"
    path.write_bytes(b"archive")
    pushed = PushedImage(ref=str(path), digest=file_digest(path), image=world.images["app"])
    made = [PushedImages(services={"app": (pushed,)})]
    push = stage({"archive": "hello.tar"})
    assert push.still_valid(world.context(), made)
    path.write_bytes(b"other")
    assert not push.still_valid(world.context(), made)
    path.unlink()
    assert not push.still_valid(world.context(), made)
