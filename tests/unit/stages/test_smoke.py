import pytest

from pipeline.artifacts import Image, Images, SmokeReport
from pipeline.errors import StageFailed
from pipeline.events import CheckFinished, StageProgress
from pipeline.kit.checks import load
from pipeline.stage import Context
from stages.smoke import SmokeOptions, SmokeStage
from tests.support.smoke import REFUSED, World, answer, container
from tests.support.stage_context import Recorded, stage_context

BUILT = Images(services={"app": Image(id="sha256:app")})


def stage(**options: object) -> SmokeStage:
    return SmokeStage(SmokeOptions.model_validate(options))


def context(world: World, recorded: Recorded | None = None, images: Images = BUILT) -> Context:
    return stage_context(
        world.app, images, ports=world, recorded=recorded, secrets={"TOKEN": "s3cr3t"}
    )


def report(world: World, recorded: Recorded | None = None, **options: object) -> SmokeReport:
    (made,) = stage(**options).run(context(world, recorded))
    assert isinstance(made, SmokeReport)
    return made


def test_the_report_has_what_was_asked_answered_and_tested() -> None:
    world, recorded = World(), Recorded()
    world.answers("/", REFUSED, answer(200, "hi"))
    checks = [{"name": "greets", "get": "/", "expect": {"body": "hi"}}]
    made = report(world, recorded, checks=checks)
    assert made.images == {"app": "sha256:app"}
    assert made.summary() == "1 of 1 checks passed"
    assert list(made.checks) == checks
    assert load(made.checks) == stage(checks=checks).options.checks
    (finished,) = recorded.of(CheckFinished)
    assert (finished.check, finished.passed, finished.attempts) == ("greets", True, 2)
    (progress,) = recorded.of(StageProgress)
    assert "nothing listens" in progress.message


def test_without_checks_the_main_port_is_asked() -> None:
    world = World()
    world.answers("/", answer(404))
    made = report(world)
    assert made.checks == (
        {"service": "app", "get": "/", "expect": {"status": ["2xx", "3xx", "4xx"]}},
    )


def test_options_reach_the_asking() -> None:
    world = World()
    world.answers("/", REFUSED)
    with pytest.raises(StageFailed):
        report(world, checks=[{"get": "/"}], within="5s", interval="2s")
    assert world.clock.seconds == pytest.approx(1005, abs=0.2)
    assert max(world.clock.slept) > 1
    world = World()
    world.answers("/", answer())
    assert report(world, checks=[{"get": "/"}], consecutive=3).results[0].attempts == 3


def test_secrets_are_filled_in_requests_and_kept_as_references() -> None:
    world = World()
    world.answers("/", answer())
    made = report(world, checks=[{"get": "/", "headers": {"authorization": "{secret:TOKEN}"}}])
    assert world.http.requests[0].headers == {"authorization": "s3cr3t"}
    assert made.checks[0]["headers"] == {"authorization": "{secret:TOKEN}"}


def test_an_image_that_was_not_built_here_is_refused() -> None:
    world = World()
    world.answers("/", answer())
    world.engine.infos["c-app"] = container("app", image="sha256:retagged-meanwhile")
    with pytest.raises(StageFailed, match=r"runs another image \(retagged-mea\)"):
        report(world)


def test_a_container_that_dies_after_its_last_answer_fails_the_stage() -> None:
    world = World()
    world.answers("/", answer(200, seconds=1))
    world.engine.changes = [(0.5, "c-app", {"state": "exited", "exit_code": 139})]
    with pytest.raises(StageFailed, match="has exited with code 139"):
        report(world)


def test_the_fingerprint_follows_images_checks_and_environment() -> None:
    world = World()
    usual = stage().fingerprint(context(world))
    assert usual == stage().fingerprint(context(world))
    other = Images(services={"app": Image(id="sha256:other")})
    assert usual != stage().fingerprint(context(world, images=other))
    assert usual != stage(checks=[{"get": "/x"}]).fingerprint(context(world))
    world.app = world.app.model_copy(update={"environment": "changed"})
    assert usual != stage().fingerprint(context(world))
