import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters import compose as adapter
from pipeline.adapters.compose import DockerCompose
from pipeline.adapters.compose_errors import config_error, engine_error, line_of, up_error, warning
from pipeline.errors import ConfigError, EngineUnavailable, NotFound, PortTaken, StageFailed
from pipeline.ports.engine import OnLine
from pipeline.ports.shell import Completed
from pipeline.scope import Scope

HEAD = ["docker", "compose", "--ansi", "never"]


@dataclass
class ScriptedShell:
    """Gives the answers in order; what it was asked is in ``calls``."""

    answers: list[Completed | Exception]
    model: Mapping[str, Any] | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def run(
        self, argv: Sequence[str], *, cwd: str | None = None,
        environment: Mapping[str, str] | None = None, stdin: str | None = None,
        on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        self.calls.append({"argv": list(argv), "environment": environment, "stdin": stdin})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if "--output" in argv and answer.exit_code == 0:
            Path(argv[list(argv).index("--output") + 1]).write_text(json.dumps(self.model))
        return answer


def done(output: str = "", exit_code: int = 0) -> Completed:
    return Completed(exit_code=exit_code, output=output, seconds=0.1)


def answers() -> None:
    """A probe of an engine that is well."""


def compose(
    *answers_: Completed | Exception, model: Mapping[str, Any] | None = None,
    probe: Callable[[], None] = answers,
) -> Any:  # fmt: skip
    shell = ScriptedShell(list(answers_), model)
    return DockerCompose(shell, {"DOCKER_HOST": "unix:///lab.sock"}, probe), shell


# argv


def test_config_names_every_file_and_profile() -> None:
    assert adapter.config_argv(
        ["/a/compose.yaml", "/a/prod.yaml"], directory="/a", project="shop", profiles=["x"],
        env_files=["/p/.env"], output="/tmp/m",
    ) == [
        *HEAD, "--project-directory", "/a", "--project-name", "shop", "--file", "/a/compose.yaml",
        "--file", "/a/prod.yaml", "--profile", "x", "--env-file", "/p/.env",
        "config", "--format", "json", "--output", "/tmp/m",
    ]  # fmt: skip


def test_up_takes_the_model_by_stdin_and_never_waits() -> None:
    argv = adapter.up_argv(
        "shop", directory="/e", services=["web"], pull=False, remove_orphans=True, recreate=True
    )
    assert argv == [
        *HEAD, "--progress", "plain", "--project-directory", "/e", "--project-name", "shop",
        "--file", "-", "up", "--detach", "--no-build", "--pull", "never", "--remove-orphans",
        "--force-recreate", "--", "web",
    ]  # fmt: skip


def test_down_needs_no_model() -> None:
    assert adapter.down_argv("shop", volumes=True) == [
        *HEAD, "--progress", "plain", "--project-name", "shop", "down", "--remove-orphans",
        "--volumes",
    ]  # fmt: skip
    assert "--volumes" not in adapter.down_argv("shop", volumes=False)
    assert adapter.stop_argv("shop", directory="/e", services=[])[-2:] == ["stop", "--"]


# what it does


def test_values_of_a_model_are_in_no_argument() -> None:
    subject, shell = compose(done())
    model = {"services": {"web": {"environment": {"TOKEN": "s3cr3t"}}}}
    subject.up(model, project="shop", on_line=print, scope=Scope())
    (call,) = shell.calls
    assert json.loads(call["stdin"]) == model
    assert "s3cr3t" not in " ".join(call["argv"])
    assert call["environment"]["DOCKER_HOST"] == "unix:///lab.sock"


def test_a_model_is_read_and_warnings_are_passed_on() -> None:
    output = 'time="2026" level=warning msg="The \\"X\\" variable is not set."\n'
    subject, shell = compose(done(output), model={"services": {}})
    heard: list[str] = []
    made = subject.resolve(
        ["/a/c.yaml"], directory="/a", project="shop", environment={"V": "1"},
        on_line=heard.append, scope=Scope(),
    )  # fmt: skip
    assert made == {"services": {}}
    assert heard == ['The "X" variable is not set.']
    assert shell.calls[0]["environment"]["V"] == "1"


def test_stages_that_ask_at_the_same_time_share_an_answer(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("services: {}")
    output = 'time="2026" level=warning msg="odd"\n'
    subject, shell = compose(done(output), done(output), done(output), model={"services": {}})
    heard: list[str] = []

    def ask(**more: Any) -> None:
        subject.resolve([str(file)], directory=str(tmp_path), project="shop",
                        on_line=heard.append, scope=Scope(), **more)  # fmt: skip

    ask()
    ask()
    assert (len(shell.calls), heard) == (1, ["odd", "odd"])
    ask(environment={"A": "1"})
    assert len(shell.calls) == 2
    file.write_text("services: {a: {}}")
    ask(environment={"A": "1"})
    assert len(shell.calls) == 3


@pytest.mark.parametrize("verb", ["stop", "down"])
def test_what_could_not_be_done_is_told(verb: str) -> None:
    subject, _ = compose(done("no way\n", 1))
    more = {"volumes": False} if verb == "down" else {}
    with pytest.raises(StageFailed) as caught:
        getattr(subject, verb)({}, project="shop", on_line=print, scope=Scope(), **more)
    assert caught.value.detail == "no way"


@pytest.mark.parametrize(
    "answer",
    [
        NotFound("the program docker is not installed"),
        done("docker: 'compose' is not a docker command.", 1),
        done("unknown shorthand flag: 'f' in -f", 125),
        done("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", 1),
        done("failed to connect to the docker API at unix:///x", 1),
    ],
)
def test_without_plugin_or_engine_it_is_unusable(answer: Completed | Exception) -> None:
    subject, _ = compose(answer)
    with pytest.raises(EngineUnavailable) as caught:
        subject.up({}, project="shop", on_line=print, scope=Scope())
    assert caught.value.hint


# errors


def broken(output: str, tmp_path: Path, text: str) -> tuple[str, str, int | None]:
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    error = config_error(output.replace("FILE", str(file)), [str(file)])
    assert isinstance(error, ConfigError)
    (problem,) = error.problems
    assert problem.where.file == str(file)
    return problem.message, problem.where.key, problem.where.line


SERVICES = "services:\n  web:\n    image: x\n    comand: y\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("validating FILE: services.web.comand false schema",
         ("Compose knows no key comand here", "services.web.comand", 4)),
        ("validating FILE: services.web additional properties 'comand' not allowed",
         ("Compose knows no key comand here", "services.web.comand", 4)),
        ("validating FILE:  additional properties 'foo' not allowed",
         ("Compose knows no key foo here", "foo", None)),
        ("validating FILE: services.web.image must be a string",
         ("services.web.image must be a string", "services.web.image", 3)),
        ("failed to parse FILE: go-yaml load error in parser at L5.C1: no node",
         ("go-yaml load error in parser at L5.C1: no node", "", 5)),
        ("yaml: line 7: mapping values are not allowed",
         ("yaml: line 7: mapping values are not allowed", "", 7)),
        ('time="2026" level=warning msg="The X is not set"\nrequired variable X is missing a value',
         ("required variable X is missing a value", "", None)),
        ("", ("Compose gave no reason", "", None)),
    ],
)  # fmt: skip
def test_mistakes_have_a_place(
    output: str, expected: tuple[str, str, int | None], tmp_path: Path
) -> None:
    assert broken(output, tmp_path, SERVICES) == expected


def test_a_missing_env_file_is_a_mistake_of_the_compose_file(tmp_path: Path) -> None:
    output = "env file /srv/nope.env not found: stat /srv/nope.env: no such file or directory"
    assert broken(output, tmp_path, SERVICES)[0].startswith("env file /srv/nope.env not found")


def test_the_line_of_a_key_or_of_its_nearest_parent(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(SERVICES)
    assert line_of(str(file), "services.web.image") == 3
    assert line_of(str(file), "services.web.nothing[0]") == 2
    assert line_of(str(file), "networks") is None
    assert line_of(str(tmp_path / "missing"), "services") is None
    file.write_text("a: [")
    assert line_of(str(file), "a") is None


def test_a_taken_port_is_told_as_such() -> None:
    output = (
        " Container shop-web-1 Starting\n"
        "Error response from daemon: driver failed programming external connectivity on endpoint"
        " shop-web-1: Error starting userland proxy: listen tcp4 0.0.0.0:5000: bind: address"
        " already in use\n"
    )
    error = up_error(output, "shop")
    assert isinstance(error, PortTaken)
    assert "5000" in error.message


def test_any_other_failure_has_its_last_words() -> None:
    error = up_error(
        " Container a Starting\nError response from daemon: No such image: x\n", "shop"
    )
    assert isinstance(error, StageFailed)
    assert error.message == "Compose could not start shop: No such image: x"
    assert "Container a Starting" in error.detail


def test_ordinary_lines_are_no_warnings_and_no_engine_errors() -> None:
    assert warning(" Container a Started") is None
    assert engine_error("Error response from daemon: No such image") is None


# an engine that goes away


def gone() -> None:
    raise EngineUnavailable("no Docker engine answers")


def test_an_engine_that_freezes_is_noticed_while_compose_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Waiting(ScriptedShell):
        def run(self, argv: Sequence[str], *, scope: Scope, **more: Any) -> Completed:
            scope.sleep(60)
            raise AssertionError("nothing has ended the wait")

    monkeypatch.setattr("pipeline.adapters.guard.PROBE_EVERY", 0.05)
    made = DockerCompose(Waiting([]), {}, gone)
    with pytest.raises(EngineUnavailable, match="no Docker engine answers"):
        made.down(None, project="shop", volumes=False, on_line=print, scope=Scope(30))


def test_an_engine_that_went_away_is_the_cause_of_any_failure() -> None:
    made, _ = compose(done("EOF", 1), probe=gone)
    with pytest.raises(EngineUnavailable, match="no Docker engine answers"):
        made.up({}, project="shop", on_line=print, scope=Scope(30))
