"""Containers: life cycle, looking, running things."""

from __future__ import annotations

import io
import itertools
import tarfile
import threading
import time

import pytest

from pipeline.errors import Cancelled, DeadlineExceeded, EngineRefused, NotFound, PortTaken
from pipeline.ports.engine import ContainerInfo, Mount, Port
from tests.contract.world import IDLE, WRITES, World

THREE = "echo one; echo two; echo three"
FAILS = "echo out; exit 3"
LOCAL = Port(container=80, host_ip="127.0.0.1")


def inspect(world: World, container: str) -> ContainerInfo:
    found = world.engine.inspect(container)
    assert found is not None
    return found


def test_a_created_container_does_not_run(world: World) -> None:
    container = world.engine.create(world.spec(environment={"A": "1"}, restart="on-failure:3"))
    info = inspect(world, container)
    assert info == inspect(world, world.name())
    assert (info.id, info.name, info.state) == (container, world.name(), "created")
    assert (info.exit_code, info.health, info.restart) == (None, "none", "on-failure:3")
    assert info.image == world.image
    assert info.environment["A"] == "1"
    assert info.labels["contract"] == world.id
    assert (info.started, info.finished, info.ports) == ("", "", ())


def test_a_name_can_be_had_once(world: World) -> None:
    world.engine.create(world.spec())
    with pytest.raises(EngineRefused) as caught:
        world.engine.create(world.spec())
    assert world.name() in caught.value.message


def test_a_container_of_no_image_is_not_created(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.create(world.spec(image="sha256:" + "0" * 64))


def test_starting_twice_is_starting_once(world: World) -> None:
    container = world.started()
    before = inspect(world, container)
    world.engine.start(container)
    assert before.running
    assert inspect(world, container).started == before.started


def test_what_is_not_there_cannot_be_started_killed_or_renamed(world: World) -> None:
    for call in (world.engine.start, world.engine.kill, world.engine.restart):
        with pytest.raises(NotFound):
            call(world.name("missing"))
    with pytest.raises(NotFound):
        world.engine.rename(world.name("missing"), world.name("b"))
    with pytest.raises(NotFound):
        world.engine.set_restart(world.name("missing"), "always")
    assert world.engine.inspect(world.name("missing")) is None


def test_stopping_is_idempotent(world: World) -> None:
    container = world.started()
    world.engine.stop(container)
    info = inspect(world, container)
    assert info.state == "exited"
    assert info.exit_code is not None
    assert info.finished > info.started
    world.engine.stop(container)
    world.engine.stop(world.name("missing"))


def test_a_killed_container_says_by_what(world: World) -> None:
    container = world.started()
    world.engine.kill(container)
    assert world.engine.wait(container, world.scope()) == 137
    with pytest.raises(EngineRefused):
        world.engine.kill(container)


def test_a_restart_runs_again(world: World) -> None:
    container = world.started()
    before = inspect(world, container)
    world.engine.restart(container)
    after = inspect(world, container)
    assert after.running
    assert after.started > before.started
    assert after.restarts == 0


def test_a_removed_container_is_gone_even_if_it_ran(world: World) -> None:
    container = world.started()
    world.engine.remove(container)
    assert world.engine.inspect(container) is None
    world.engine.remove(container)
    world.engine.remove(world.name())


def test_a_container_can_take_a_free_name_only(world: World) -> None:
    first = world.engine.create(world.spec("a"))
    world.engine.create(world.spec("b"))
    with pytest.raises(EngineRefused):
        world.engine.rename(first, world.name("b"))
    world.engine.rename(first, world.name("c"))
    assert inspect(world, world.name("c")).id == first
    assert world.engine.inspect(world.name("a")) is None


def test_the_restart_policy_can_be_changed(world: World) -> None:
    container = world.started()
    world.engine.set_restart(container, "unless-stopped")
    assert inspect(world, container).restart == "unless-stopped"
    world.engine.set_restart(container, "no")
    assert inspect(world, container).restart == "no"


def test_containers_are_listed_by_labels_oldest_first(world: World) -> None:
    names = [world.name(suffix) for suffix in "cab"]
    for suffix in "cab":
        world.engine.create(world.spec(suffix))
    assert [info.name for info in world.engine.containers(world.labels)] == names
    assert world.engine.containers({**world.labels, "other": ""}) == []


# ports


def test_a_port_is_given_at_start_and_taken_back_at_the_end(world: World) -> None:
    container = world.started(ports=[LOCAL])
    (port,) = inspect(world, container).ports
    assert (port.container, port.host_ip, port.protocol) == (80, "127.0.0.1", "tcp")
    assert port.host_port > 1024
    assert (world.name(), port) in world.engine.published()
    world.engine.stop(container)
    assert inspect(world, container).ports == ()
    assert (world.name(), port) not in world.engine.published()


def test_a_port_on_all_addresses_counts_once(world: World) -> None:
    container = world.started(ports=[Port(container=80)])
    (port,) = inspect(world, container).ports
    assert port.host_ip == "0.0.0.0"
    assert [name for name, _ in world.engine.published()].count(world.name()) == 1


def test_a_taken_port_names_who_has_it(world: World) -> None:
    holder = world.started("holder", ports=[LOCAL])
    (port,) = inspect(world, holder).ports
    late = world.engine.create(world.spec("late", ports=[port]))
    with pytest.raises(PortTaken) as caught:
        world.engine.start(late)
    assert str(port.host_port) in caught.value.message
    assert world.name("holder") in caught.value.message
    assert not inspect(world, late).running
    world.engine.stop(holder)
    world.engine.start(late)
    assert inspect(world, late).ports == (port,)


# logs


def test_logs_come_in_order_and_their_end_alone(world: World) -> None:
    container = world.started(script=THREE)
    world.engine.wait(container, world.scope())
    assert list(world.engine.logs(container, scope=world.scope())) == ["one", "two", "three"]
    assert list(world.engine.logs(container, tail=2, scope=world.scope())) == ["two", "three"]


def test_following_ends_with_the_container(world: World) -> None:
    container = world.started(script=THREE)
    lines = world.engine.logs(container, follow=True, scope=world.scope())
    assert list(lines) == ["one", "two", "three"]


def test_following_ends_with_the_scope(world: World) -> None:
    container = world.started(script=f"echo up; {IDLE}")
    lines = world.engine.logs(container, follow=True, scope=world.scope(3))
    assert next(lines) == "up"
    with pytest.raises(DeadlineExceeded):
        next(lines)


def test_following_ends_soon_when_the_scope_is_cancelled(world: World) -> None:
    container = world.started(script=f"echo up; {IDLE}")
    scope = world.scope(60)
    lines = world.engine.logs(container, follow=True, scope=scope)
    assert next(lines) == "up"
    timer = threading.Timer(0.3, scope.cancel)
    timer.start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        next(lines)
    assert time.monotonic() - before < 5
    timer.join()


def test_no_logs_of_what_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        list(world.engine.logs(world.name("missing"), scope=world.scope()))


# files


def written(world: World) -> str:
    """A container whose program has written its files."""
    container = world.started(script=f"{WRITES}; {IDLE}")
    for _ in itertools.count():
        paths = {change.path for change in world.engine.changes(container)}
        if {"/etc/group", "/etc/passwd"} <= paths:
            return container
        world.scope().sleep(0.05)
    raise AssertionError


def test_what_differs_from_the_image_is_listed(world: World) -> None:
    container = written(world)
    kinds = {change.path: change.kind for change in world.engine.changes(container)}
    assert kinds["/srv/new"] == "added"
    assert kinds["/srv/new/page"] == "added"
    assert kinds["/etc/group"] == "deleted"
    assert kinds["/etc/passwd"] == "changed"
    assert kinds["/etc"] == "changed"
    assert list(kinds) == sorted(kinds)
    assert world.engine.changes(world.engine.create(world.spec("fresh"))) == []


def test_all_files_can_be_had_also_of_one_that_never_ran(world: World) -> None:
    def files(container: str) -> dict[str, tarfile.TarInfo]:
        data = b"".join(world.engine.export(container, world.scope(60)))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return {member.name.rstrip("/"): member for member in archive}

    running, fresh = files(written(world)), files(world.engine.create(world.spec("fresh")))
    page = running["srv/new/page"]
    assert (page.isfile(), page.size, page.uid, page.gid) == (True, 3, 0, 0)
    assert running["srv/new"].isdir()
    assert (running["etc/passwd"].mode & 0o777, fresh["etc/passwd"].mode & 0o777) == (0o600, 0o644)
    assert "etc/group" in fresh
    assert "etc/group" not in running
    for call in (world.engine.changes, lambda name: list(world.engine.export(name, world.scope()))):
        with pytest.raises(NotFound):
            call(world.name("missing"))


def test_files_are_put_into_a_container_that_runs_or_not(world: World) -> None:
    container = world.engine.create(world.spec())
    world.engine.put(container, {"/srv/in/one": b"1\n", "/etc/group": b"none\n"})
    world.engine.start(container)
    world.engine.put(container, {"/srv/in/two": b""})

    def ran(*argv: str) -> tuple[int, str]:
        done = world.engine.exec(container, argv, world.scope())
        return done.exit_code, done.output

    assert ran("ls", "/srv/in") == (0, "one\ntwo\n")
    assert ran("cat", "/srv/in/one", "/etc/group") == (0, "1\nnone\n")
    assert ran("mv", "/srv/in/one", "/srv/in/three") == (0, "")
    assert ran("ls", "/srv/in") == (0, "three\ntwo\n")
    assert ran("mv", "/srv/in/one", "/srv/in/four")[0] == 1
    kinds = {change.path: change.kind for change in world.engine.changes(container)}
    assert (kinds["/srv/in/two"], kinds["/etc/group"]) == ("added", "changed")
    with pytest.raises(NotFound):
        world.engine.put(world.name("missing"), {"/srv/x": b""})


def test_what_it_was_started_as_is_known_beside_what_its_image_starts_as(world: World) -> None:
    volume = Mount(kind="volume", source=world.name("data"), target="/data")
    world.engine.create_volume(world.name("data"), world.labels)
    container = world.engine.create(
        world.spec(
            entrypoint=("sh", "-c"), command=("true",), working_dir="/srv", user="1000",
            environment={"A": "1"}, ports=[LOCAL], stop_signal="SIGINT", mounts=(volume,),
        )
    )  # fmt: skip
    told = inspect(world, container)
    assert (told.settings.entrypoint, told.settings.command) == (("sh", "-c"), ("true",))
    assert (told.settings.working_dir, told.settings.user) == ("/srv", "1000")
    assert (told.settings.environment["A"], told.settings.ports) == ("1", ("80/tcp",))
    assert told.settings.stop_signal == "SIGINT"
    assert told.settings.labels["contract"] == world.id
    assert told.mounts == (volume,)
    image = world.engine.image(world.image)
    assert image is not None
    assert "A" not in image.settings.environment
    assert image.settings.ports == ()


# waiting and running


def test_waiting_gives_the_exit_code(world: World) -> None:
    container = world.started(script=FAILS)
    assert world.engine.wait(container, world.scope()) == 3
    assert world.engine.wait(container, world.scope()) == 3
    assert inspect(world, container).exit_code == 3


def test_waiting_ends_with_the_scope(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        world.engine.wait(world.started(), world.scope(0.5))


def test_a_run_to_the_end_leaves_its_result_and_nothing_else(world: World) -> None:
    lines: list[str] = []
    result = world.engine.run_once(world.spec(script=FAILS), lines.append, world.scope())
    assert (result.exit_code, result.output, lines) == (3, "out\n", ["out"])
    assert world.engine.inspect(world.name()) is None


def test_a_run_that_the_scope_ends_leaves_nothing(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        world.engine.run_once(world.spec(), lambda line: None, world.scope(1))
    assert world.engine.inspect(world.name()) is None


def test_nothing_is_run_in_a_container_that_does_not_run(world: World) -> None:
    container = world.engine.create(world.spec())
    with pytest.raises(EngineRefused):
        world.engine.exec(container, ["true"], world.scope())
    with pytest.raises(NotFound):
        world.engine.exec(world.name("missing"), ["true"], world.scope())


def test_a_command_in_a_container_gives_code_and_output(world: World) -> None:
    container = world.started()
    result = world.engine.exec(container, ["sh", "-c", "echo out; exit 3"], world.scope())
    assert (result.exit_code, result.output) == (3, "out\n")


@pytest.mark.parametrize("policy", ["always", "on-failure"])
def test_a_failed_container_is_started_again_by_its_policy(world: World, policy: str) -> None:
    container = world.started(script=FAILS, restart=policy)
    for _ in itertools.count():
        if inspect(world, container).restarts >= 1:
            break
        world.scope().sleep(0.05)
    world.engine.stop(container)
    assert inspect(world, container).state == "exited"
