"""The build stage on the fake engine: what is asked of it, names, failures, what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.artifacts import DockerfileInfo, Dockerfiles, Image, Images, Source
from pipeline.errors import NotFound, StageFailed, UsageError
from pipeline.events import Notice, StageLog
from pipeline.kit.hashing import git_blob
from pipeline.ports.engine import BuildListener, BuildRequest, ContainerSpec, ImageInfo
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.build import BuildOptions, BuildStage
from stages.run import RunOptions
from tests.support.stage_context import Recorded, stage_context

COMMIT = "ab" * 20
TEXT = "FROM python:3.13-slim\nEXPOSE 5000\n"


class Engine(FakeEngine):
    """Remembers what it was asked to build."""

    def __init__(self, **script: Any) -> None:
        super().__init__(**script)
        self.requests: list[BuildRequest] = []
        self.broken: dict[str, Exception] = {}
        """Dockerfile's target → error."""

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        self.requests.append(request)
        if error := self.broken.get(request.target or ""):
            raise error
        return super().build(request, listener, scope)


class NoRepo:
    """Outside of git."""

    def head(self, directory: str) -> None:
        return None


class Model:
    """A Compose that resolves to a model."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.model = model

    def resolve(self, files: Any, **more: Any) -> Mapping[str, Any]:
        return self.model


class Project:
    """A folder with a Dockerfile, and the stage on it."""

    def __init__(
        self, folder: Path, engine: Engine, *, compose: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None, secrets: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.engine = engine
        self.recorded = Recorded()
        self.stage = BuildStage(BuildOptions.model_validate(options))
        self.compose = compose
        self.secrets = secrets
        self.source = Source(
            path=str(folder), root=str(folder), **{
                "content": "c0ffee", "commit": COMMIT, "committed": "2026-11-24T02:00:00+00:00",
                **(source or {}),
            },
        )  # fmt: skip
        (folder / "app.py").write_text("print()\n")
        (folder / "compose.yaml").write_text("services: {}\n")

    def dockerfiles(self) -> Dockerfiles:
        services = (self.compose or {}).get("services", {"app": {"build": {}}})
        return Dockerfiles(
            services={
                name: DockerfileInfo(
                    path=f"{self.folder}/Dockerfile", origin="existing", text=TEXT,
                    context=service["build"].get("context", str(self.folder)), blob=git_blob(TEXT),
                )
                for name, service in services.items()
                if "build" in service
            }
        )  # fmt: skip

    def context(self) -> Context:
        ports = SimpleNamespace(
            engine=self.engine, clock=FakeClock(), repo=NoRepo(), compose=Model(self.compose or {}),
            credentials=SimpleNamespace(lookup=lambda host: None),
        )  # fmt: skip
        ctx = stage_context(
            self.source, self.dockerfiles(), ports=ports, recorded=self.recorded,
            directory=self.folder, secrets=self.secrets,
        )  # fmt: skip
        if self.compose is None:
            return ctx
        return replace(ctx, peers={"run": RunOptions(compose=("compose.yaml",))})

    def run(self) -> Images:
        (made,) = self.stage.run(self.context())
        assert isinstance(made, Images)
        return made

    def mark(self) -> str | None:
        return self.stage.fingerprint(self.context())


@pytest.fixture
def engine() -> Engine:
    return Engine()


def service(folder: Path, **build: Any) -> dict[str, Any]:
    return {"build": {"context": str(folder), "dockerfile": "Dockerfile", **build}}


def test_one_image_with_its_name_and_labels(tmp_path: Path, engine: Engine) -> None:
    made = Project(tmp_path, engine).run()
    image = made.services["app"]
    assert made.engine == "fake-engine"
    assert image.tags == (f"hello:{COMMIT}",)
    assert image.built
    found = engine.image(f"hello:{COMMIT}")
    assert found is not None
    assert found.id == image.id
    assert found.labels == {
        "org.opencontainers.image.title": "hello",
        "org.opencontainers.image.revision": COMMIT,
        "org.opencontainers.image.created": "2026-11-24T02:00:00+00:00",
        "dockcycle.project": "hello",
        "dockcycle.role": "image",
        "dockcycle.service": "app",
    }


def test_all_options_reach_the_builder(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "lib").mkdir()
    Project(
        tmp_path, engine, args={"DEBUG": False, "N": 1}, target="prod", platforms="linux/amd64",
        cache_from=["type=gha"], cache_to=["type=gha"], no_cache=True, pull=True, ssh="default",
        labels={"a": "b"}, network="host", contexts={"lib": "lib", "base": "docker-image://a:1"},
        extra_hosts={"db": "10.0.0.1"},
    ).run()  # fmt: skip
    (request,) = engine.requests
    assert request.args == {"DEBUG": "false", "N": "1"}
    assert request.contexts == {"lib": str(tmp_path / "lib"), "base": "docker-image://a:1"}
    assert (request.target, request.platforms) == ("prod", ("linux/amd64",))
    assert (request.cache_from, request.cache_to) == (("type=gha",), ("type=gha",))
    assert (request.no_cache, request.pull, request.ssh) == (True, True, ("default",))
    assert (request.network, request.extra_hosts) == ("host", {"db": "10.0.0.1"})
    assert request.labels["a"] == "b"
    assert (request.dockerfile_text, request.dockerfile_name) == (
        TEXT,
        str(tmp_path / "Dockerfile"),
    )
    assert "**/.git" in (request.ignore_text or "")


def test_secrets_are_mounted_and_never_arguments(tmp_path: Path, engine: Engine) -> None:
    options = BuildOptions.model_validate({"secrets": ["TOKEN"]})
    project = Project(tmp_path, engine, secrets={"TOKEN": "hunter2hunter2"})
    project.stage = BuildStage(options)
    project.run()
    assert engine.requests[0].secrets == {"TOKEN": "hunter2hunter2"}
    assert "hunter2" not in repr(engine.requests[0])
    assert "hunter2" not in str(project.recorded.events)


@pytest.mark.parametrize(
    ("value", "says"),
    [("hunter2hunter2", "holds the secret TOKEN"), ("https://me:pw@host/", "looks like a secret")],
)
def test_a_secret_as_an_argument_is_refused(
    tmp_path: Path, engine: Engine, value: str, says: str
) -> None:
    project = Project(tmp_path, engine, secrets={"TOKEN": "hunter2hunter2"}, args={"INDEX": value})
    with pytest.raises(StageFailed, match=says) as raised:
        project.run()
    assert value not in raised.value.message + raised.value.hint
    assert engine.requests == []


def test_a_reference_to_a_secret_as_an_argument_is_a_mistake_in_the_file() -> None:
    with pytest.raises(ValidationError, match="readable in the image"):
        BuildOptions.model_validate({"args": {"T": "{secret:TOKEN}"}})


def test_tags_by_policy(tmp_path: Path, engine: Engine) -> None:
    source = {"versions": ("1.4.2",), "branch": "main", "dirty": True}
    project = Project(tmp_path, engine, source=source, tags=["{version}", "latest", "{branch}"])
    image = project.run().services["app"]
    assert image.tags == ("hello:1.4.2-dirty", "hello:latest", "hello:main-dirty")
    assert engine.requests[0].labels["org.opencontainers.image.version"] == "1.4.2"
    assert engine.requests[0].labels["org.opencontainers.image.revision"] == f"{COMMIT}-dirty"


def test_a_failed_run_gives_names_back_and_keeps_nothing(tmp_path: Path, engine: Engine) -> None:
    first = Project(tmp_path, engine, tags=["latest", "{commit}"]).run().services["app"]
    project = Project(tmp_path, engine, source={"commit": "cd" * 20}, tags=["latest", "{commit}"])
    second = project.run().services["app"]
    assert second.id != first.id
    project.stage.cleanup(project.context())
    latest = engine.image("hello:latest")
    assert latest is not None
    assert latest.id == first.id
    assert engine.image(f"hello:{'cd' * 20}") is None
    assert engine.image(second.id) is None
    project.stage.cleanup(project.context())


def test_the_journal_can_name_what_a_killed_run_changed(tmp_path: Path, engine: Engine) -> None:
    first = Project(tmp_path, engine, tags=["latest"]).run().services["app"]
    project = Project(tmp_path, engine, source={"commit": "cd" * 20}, tags=["latest", "new"])
    project.run()
    assert project.recorded.journal.begun == [
        ("build", "app"), ("tag", f"hello:latest {first.id}"), ("tag", "hello:new"),
    ]  # fmt: skip


def test_a_run_that_passed_leaves_no_nameless_image(tmp_path: Path, engine: Engine) -> None:
    def run(commit: str) -> str:
        project = Project(tmp_path, engine, source={"commit": commit}, tags=["latest"])
        image = project.run().services["app"].id
        project.stage.finish(project.context())
        return image

    first, second = run("ab" * 20), run("cd" * 20)
    assert engine.image(first) is None
    engine.create(ContainerSpec(image=second, name="keeps-it"))
    assert run("ef" * 20) != second
    assert engine.image(second) is not None


def test_a_nameless_image_of_others_stays(tmp_path: Path, engine: Engine) -> None:
    theirs = engine.publish("theirs:1")
    engine.pull("theirs:1", None, lambda line: None, Scope())
    engine.tag(theirs, "hello:latest")
    engine.state.tags.pop("theirs:1")
    project = Project(tmp_path, engine, tags=["latest"])
    project.run()
    project.stage.finish(project.context())
    assert engine.image(theirs) is not None


def test_cleanup_before_anything_happened(tmp_path: Path, engine: Engine) -> None:
    project = Project(tmp_path, engine)
    project.stage.cleanup(project.context())
    assert project.recorded.journal.begun == []


def test_a_broken_build_names_nothing(tmp_path: Path, engine: Engine) -> None:
    engine.broken[""] = StageFailed("RUN false failed: exit code 1")
    with pytest.raises(StageFailed, match=r"^RUN false failed"):
        Project(tmp_path, engine).run()
    assert engine.images({}) == []


# Compose


def shop(folder: Path) -> dict[str, Any]:
    for name in ("web", "api"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "code").write_text(name)
    return {
        "services": {
            "web": service(folder / "web", target="web", args={"A": "file", "B": "file"}),
            "api": service(folder / "api", target="api"),
            "db": {"image": "postgres:16"},
        }
    }


def test_every_service_and_the_images_that_are_only_pulled(tmp_path: Path, engine: Engine) -> None:
    database = engine.publish("postgres:16")
    project = Project(tmp_path, engine, compose=shop(tmp_path), args={"A": "option"})
    made = project.run().services
    assert list(made) == ["web", "api", "db"]
    assert made["web"].tags == (f"hello-web:{COMMIT}",)
    assert made["db"] == Image(
        id=database, tags=("postgres:16",), size=10_000_000, platforms=("linux/amd64",), built=False
    )
    by_target = {request.target: request for request in engine.requests}
    assert by_target["web"].args == {"A": "option", "B": "file"}
    assert by_target["api"].args == {"A": "option"}
    assert ("pull", "postgres:16") in project.recorded.journal.done
    steps = {event.step.split()[0] for event in project.recorded.of(StageLog)}
    assert steps <= {"web", "api", "db"}


def test_an_image_that_is_there_is_not_pulled(tmp_path: Path, engine: Engine) -> None:
    engine.publish("postgres:16")
    Project(tmp_path, engine, compose=shop(tmp_path)).run()
    project = Project(tmp_path, engine, compose=shop(tmp_path))
    project.run()
    assert ("pull", "postgres:16") not in project.recorded.journal.begun


def test_pull_policy_never(tmp_path: Path, engine: Engine) -> None:
    model = shop(tmp_path)
    model["services"]["db"]["pull_policy"] = "never"
    with pytest.raises(NotFound, match=r"^db: the engine has no postgres:16"):
        Project(tmp_path, engine, compose=model).run()


def test_one_broken_service_fails_them_all_and_leaves_nothing(
    tmp_path: Path, engine: Engine
) -> None:
    engine.publish("postgres:16")
    engine.broken["api"] = StageFailed("COPY x failed")
    project = Project(tmp_path, engine, compose=shop(tmp_path))
    with pytest.raises(StageFailed, match=r"^api: COPY x failed"):
        project.run()
    assert engine.image(f"hello-web:{COMMIT}") is None
    project.stage.cleanup(project.context())
    assert engine.images({"dockcycle.project": "hello"}) == []


def test_a_service_that_is_built_from_another(tmp_path: Path, engine: Engine) -> None:
    model = shop(tmp_path)
    model["services"]["web"]["build"]["additional_contexts"] = {"base": "service:api"}
    del model["services"]["db"]
    project = Project(tmp_path, engine, compose=model)
    project.run()
    assert [request.target for request in engine.requests] == ["api", "web"]
    assert engine.requests[1].contexts == {"base": f"docker-image://hello-api:{COMMIT}"}
    project.stage.cleanup(project.context())
    assert engine.images({"dockcycle.project": "hello"}) == []


def test_only_some_services_with_what_they_are_built_from(tmp_path: Path, engine: Engine) -> None:
    engine.publish("postgres:16")
    model = shop(tmp_path)
    model["services"]["web"]["build"]["additional_contexts"] = {"base": "service:api"}
    model["services"]["other"] = service(tmp_path, target="other")
    made = Project(tmp_path, engine, compose=model, services="web").run()
    assert set(made.services) == {"web", "api", "db"}


@pytest.mark.parametrize(
    ("services", "says"), [("webb", "no service webb"), ("web", "from each other")]
)
def test_services_that_make_no_sense(
    tmp_path: Path, engine: Engine, services: str, says: str
) -> None:
    model = shop(tmp_path)
    model["services"]["web"]["build"]["additional_contexts"] = {"base": "service:api"}
    model["services"]["api"]["build"]["additional_contexts"] = {"base": "service:web"}
    with pytest.raises(UsageError, match=says):
        Project(tmp_path, engine, compose=model, services=services).run()


def test_build_secrets_of_the_compose_file(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-file")
    monkeypatch.setenv("FROM_ENVIRONMENT", "from-environment")
    model: dict[str, Any] = {
        "services": {
            "app": service(
                tmp_path,
                secrets=[{"source": "a", "target": "id"}, {"source": "b"}, {"source": "c"}],
            )
        },
        "secrets": {
            "a": {"file": str(tmp_path / "token")},
            "b": {"environment": "FROM_ENVIRONMENT"},
            "c": {"environment": "TOKEN"},
        },
    }
    Project(tmp_path, engine, compose=model, secrets={"TOKEN": "declared"}).run()
    assert engine.requests[0].secrets == {
        "id": "from-file", "b": "from-environment", "c": "declared",
    }  # fmt: skip
    model["secrets"]["a"] = {"file": "/nowhere"}
    with pytest.raises(UsageError, match="/nowhere, which is not there"):
        Project(tmp_path, engine, compose=model, secrets={"TOKEN": "declared"}).run()


def test_keys_without_an_effect_are_told(tmp_path: Path, engine: Engine) -> None:
    model = {"services": {"app": service(tmp_path, shm_size="1g")}}
    project = Project(tmp_path, engine, compose=model)
    project.run()
    assert [n.message for n in project.recorded.of(Notice)] == [
        "app: shm_size of `build:` has no effect"
    ]


def test_a_link_out_of_a_service_folder_is_refused(tmp_path: Path, engine: Engine) -> None:
    model = shop(tmp_path)
    (tmp_path / "web" / "link").symlink_to("../api/code")
    with pytest.raises(StageFailed, match="leads out of the build context"):
        Project(tmp_path, engine, compose=model).run()
    assert engine.requests == []


# doing it again


def test_the_fingerprint_is_of_all_inputs(tmp_path: Path, engine: Engine) -> None:
    def mark(**more: Any) -> str | None:
        return Project(tmp_path, engine, **more).mark()

    token = {"TOKEN": "hunter2hunter2"}
    same = mark()
    assert same == mark() is not None
    others = [
        mark(args={"A": 1}),
        mark(target="x"),
        mark(tags=["latest"]),
        mark(labels={"a": "b"}),
        mark(source={"commit": "cd" * 20}),
        mark(source={"dirty": True}),
        mark(source={"content": "beef"}),
    ]
    project = Project(tmp_path, engine, secrets=token)
    project.stage = BuildStage(BuildOptions.model_validate({"secrets": ["TOKEN"]}))
    others.append(project.mark())
    project.secrets = {"TOKEN": "another-one"}
    others.append(project.mark())
    assert len({same, *others}) == len(others) + 1


def test_the_fingerprint_sees_the_folders_of_services(tmp_path: Path, engine: Engine) -> None:
    before = Project(tmp_path, engine, compose=shop(tmp_path)).mark()
    assert Project(tmp_path, engine, compose=shop(tmp_path)).mark() == before
    model = shop(tmp_path)
    (tmp_path / "api" / "code").write_text("changed")
    assert Project(tmp_path, engine, compose=model).mark() != before


def test_what_always_asks_a_registry_is_never_skipped(tmp_path: Path, engine: Engine) -> None:
    model = shop(tmp_path)
    model["services"]["db"]["pull_policy"] = "always"
    assert Project(tmp_path, engine, compose=model).mark() is None
    assert Project(tmp_path, engine, pull=True).mark() is None
    assert Project(tmp_path, engine, no_cache=True).mark() is None


def test_still_valid_while_images_and_names_are_there(tmp_path: Path, engine: Engine) -> None:
    engine.publish("postgres:16")
    project = Project(tmp_path, engine, compose=shop(tmp_path))
    made = project.run()
    assert project.stage.still_valid(project.context(), [made])
    engine.tag(made.services["api"].id, made.services["web"].tags[0])
    assert not project.stage.still_valid(project.context(), [made])
    engine.tag(made.services["web"].id, made.services["web"].tags[0])
    assert project.stage.still_valid(project.context(), [made])
    engine.untag(made.services["web"].tags[0])
    assert not project.stage.still_valid(project.context(), [made])
