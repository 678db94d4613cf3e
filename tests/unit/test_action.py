"""The GitHub Action: its shell steps, run as they stand in action.yml, and the workflow for it."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.app.github_workflow import ACTION, workflow
from pipeline.render.words import OUTCOME

ROOT = Path(__file__).parents[2]
HOSTILE = 'x" ; touch pwned ; $(touch pwned) `touch pwned` ${{ github.token }}'


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return loaded


def steps() -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in action()["runs"]["steps"]}


@dataclass
class Machine:
    """A runner whose programs only write down how they were called."""

    folder: Path

    def stub(self, name: str, body: str = "") -> None:
        program = self.folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\0" "$@" > {self.folder}/{name}.argv\n'
            f"cat > {self.folder}/{name}.stdin\n{body}\n"
        )
        program.chmod(0o755)

    def __call__(self, step: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps()[step]["run"]],
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "RUNNER_TEMP": str(self.folder),
                 "GITHUB_PATH": str(self.folder / "path"), **env},
            cwd=self.folder, text=True, capture_output=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def argv(self, name: str) -> list[str]:
        return (self.folder / f"{name}.argv").read_text().split("\0")[:-1]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.stub("docker")
    made.stub("dockcycle")
    return made


def run_step(machine: Machine, **env: str) -> list[str]:
    empty = dict.fromkeys(("PIPELINE", "OVERLAY", "LAST", "VALUES", "CACHE"), "")
    done = machine("Run the pipeline", **{"DIRECTORY": ".", **empty, **env})
    assert done.returncode == 0, done.stderr
    return machine.argv("dockcycle")


def test_a_run_without_any_input(machine: Machine) -> None:
    assert run_step(machine) == [
        "run", "--directory", ".", "--output", "github", "--trigger", "github",
    ]  # fmt: skip


def test_inputs_are_options_and_never_commands(machine: Machine) -> None:
    argv = run_step(
        machine, DIRECTORY="an app", PIPELINE="deploy.yml", OVERLAY="ci", LAST="push",
        VALUES=f"stages.run.port=1\n\nname={HOSTILE}\n", CACHE="ghcr.io/acme/hello:latest",
    )  # fmt: skip
    assert argv[1:3] == ["--directory", "an app"]
    assert argv[7:] == [
        "--file", "deploy.yml", "--environment", "ci", "--to", "push",
        "--set", "stages.build.cache_from=['type=registry,ref=ghcr.io/acme/hello:latest']",
        "--set", "stages.build.cache_to=['type=inline']",
        "--set", "stages.run.port=1", "--set", f"name={HOSTILE}",
    ]  # fmt: skip
    assert not (machine.folder / "pwned").exists()


def test_no_expression_is_put_into_a_script() -> None:
    assert not [name for name, step in steps().items() if "${{" in step["run"]]


def test_a_failed_run_fails_the_step(machine: Machine) -> None:
    machine.stub("dockcycle", "exit 4")
    assert machine("Run the pipeline", DIRECTORY=".", PIPELINE="", OVERLAY="", LAST="", VALUES="",
                   CACHE="").returncode == 4  # fmt: skip


@pytest.mark.parametrize(("registry", "last"), [("ghcr.io", ["ghcr.io"]), ("", [])])
def test_a_password_is_in_no_command_line(machine: Machine, registry: str, last: list[str]) -> None:
    secret = "s3cr3t with spaces"
    env = {"REGISTRY": registry, "USERNAME": "ada", "PASSWORD": secret}
    done = machine("Log in to the registry", **env)
    assert done.returncode == 0, done.stderr
    assert machine.argv("docker") == ["login", "--username", "ada", "--password-stdin", *last]
    assert (machine.folder / "docker.stdin").read_text() == secret
    assert secret not in done.stdout + done.stderr


def test_a_missing_password_is_told(machine: Machine) -> None:
    done = machine("Log in to the registry", REGISTRY="", USERNAME="ada", PASSWORD="")
    assert done.returncode == 1 and "::error title=dockcycle::" in done.stdout
    assert not (machine.folder / "docker.argv").exists()


def test_it_is_installed_from_its_own_checkout(machine: Machine) -> None:
    pip = f'mkdir -p "$3/bin" && cp {machine.folder}/bin/pip "$3/bin/python"'
    machine.stub("pip")
    machine.stub("python-new", f'[ "$1" != -m ] || {{ {pip}; }}')
    done = machine("Install dockcycle", ACTION="/actions/dock cycle", PYTHON="python-new")
    assert done.returncode == 0, done.stderr
    assert machine.argv("pip")[-1] == "/actions/dock cycle"
    assert (machine.folder / "path").read_text() == f"{machine.folder}/dockcycle/bin\n"


def test_an_old_python_is_told(machine: Machine) -> None:
    machine.stub("python-old", "exit 1")
    done = machine("Install dockcycle", ACTION="/actions/dockcycle", PYTHON="python-old")
    assert done.returncode == 1 and "is no Python 3.11 or newer" in done.stdout


def test_outputs_are_those_that_a_run_writes() -> None:
    found = {name: output["value"] for name, output in action()["outputs"].items()}
    assert set(found) == {*OUTCOME, "run", "status"}
    assert all(value == f"${{{{ steps.run.outputs.{name} }}}}" for name, value in found.items())


# the workflow


def made(remote: str | None = "https://github.com/Acme/Hello") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(workflow(remote))
    return loaded


def uses(jobs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [step for job in jobs.values() for step in job["steps"] if "uses" in step]


def test_the_workflow_says_what_the_action_understands() -> None:
    own = [step for step in uses(made()["jobs"]) if step["uses"] == ACTION]
    assert [step["with"]["to"] for step in own] == ["smoke", "track"]
    assert all(set(step["with"]) <= set(action()["inputs"]) for step in own)
    assert own[1]["with"]["cache"] == "ghcr.io/acme/hello:latest"
    digest = made()["jobs"]["ship"]["outputs"]["digest"]
    assert digest == f"${{{{ steps.{own[1]['id']}.outputs.digest }}}}"


def test_foreign_actions_are_pinned_and_rights_are_the_least() -> None:
    loaded = made()
    foreign = {step["uses"] for step in uses(loaded["jobs"])} - {ACTION}
    assert foreign and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) for name in foreign)
    rights = {name: job.get("permissions", {}) for name, job in loaded["jobs"].items()}
    assert loaded["permissions"] == {}
    assert rights == {
        "check": {"contents": "read"},
        "ship": {"contents": "write", "packages": "write"},
        "deploy": {},
    }


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("git@github.com:Acme/hello.git", "acme/hello"),
        ("https://github.com/acme/hello.web/", "acme/hello.web"),
        ("https://git.example.com/acme/hello", "OWNER/NAME"),
        (None, "OWNER/NAME"),
    ],
)
def test_the_image_is_named_after_the_repository(remote: str | None, name: str) -> None:
    assert f"stages.push.to=[ghcr.io/{name}]" in workflow(remote)


def test_the_deploy_job_makes_a_call_that_the_server_believes() -> None:
    [step] = made()["jobs"]["deploy"]["steps"]
    assert step["shell"] == "python" and "${{" not in step["run"]
    calls: list[tuple[str, str, bytes]] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((self.path, self.headers["X-Dockcycle-Signature"], body))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b'{"status": "queued"}')

        def log_message(self, *args: object) -> None:
            """Tests are silent."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_port}/hooks/hello"
    env = {"HOOK": hook, "SECRET": "0123456789abcdef", "BRANCH": "main", "COMMIT": "4f2c",
           "RUN": "7-1"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", step["run"]], env=env, text=True, capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip
    server.shutdown()
    assert done.returncode == 0 and "queued" in done.stdout, done.stderr
    [(path, signature, body)] = calls
    assert path == "/hooks/hello"
    assert json.loads(body) == {"branch": "main", "commit": "4f2c", "run": "7-1"}
    mac = hmac.new(b"0123456789abcdef", body, hashlib.sha256).hexdigest()
    assert signature == f"sha256={mac}"
