"""The workflow of `init --github`, really executed by act on this machine, with the lab's engine.

`make action` runs this. Only the registry of the workflow is another one. Its last job asks a
server to deploy, and a real one does.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from lab import gotools
from lab.paths import open_lab
from pipeline.app.github_workflow import ACTION
from pipeline.server.queue import Queue
from tests.engine.conftest import ROOT, AppUnderTest
from tests.engine.test_serve import SECRET, Forge, Site

pytestmark = [pytest.mark.engine, pytest.mark.action, pytest.mark.timeout(1200)]

SERVE = """\
listen: 127.0.0.1:0
poll: 1h
secrets: {{HOOK: {{env: HOOK}}}}
projects:
  - {{name: {name}, repository: {origin}, secret: HOOK, sender: generic}}
"""
PARTS = ("pipeline", "stages", "action.yml", "pyproject.toml", "README.md", "LICENSE")
"""What of the repository the action needs."""


@pytest.fixture
def server(app: AppUnderTest, tmp_path: Path, engine: docker.DockerClient) -> Iterator[Site]:
    """A server that follows a repository, to which the app and its workflow are pushed then."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    app.git("remote", "add", "origin", str(origin))
    written = app.command("init", "--github")
    assert written.code == 0, written.text
    workflow = app.directory / ".github" / "workflows" / "dockcycle.yml"
    text = workflow.read_text().replace("ghcr.io", os.environ["DOCKCYCLE_LAB_REGISTRY"])
    workflow.write_text(text.replace("OWNER/NAME", f"acme/{app.name}"))
    app.commit("the workflow")
    file = tmp_path / "serve.yml"
    file.write_text(SERVE.format(name=app.name, origin=origin))
    site = Site(app, origin, Forge(), file, engine)
    site.start()
    site.until(lambda: Queue(site.home).filters(app.name), lambda: "not looked at")
    app.git("push", "-q", "origin", "main")
    yield site
    site.kill(signal.SIGTERM)


def act(app: AppUnderTest, folder: Path, *args: str) -> str:
    """What a runner says; it has passed."""
    action = folder / "action"
    action.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", *(str(ROOT / part) for part in PARTS), str(action)], check=True)
    who = login()
    secrets = folder / "secrets"
    secrets.write_text(f"GITHUB_TOKEN={who['password']}\nDOCKCYCLE_SECRET={SECRET}\n")
    program = gotools.program(open_lab(None, os.environ).cache, "act")
    done = subprocess.run(
        [program, *args, "--directory", app.directory, "--platform=ubuntu-latest=-self-hosted",
         f"--local-repository={ACTION}={action}", "--no-cache-server", "--secret-file", secrets,
         f"--actor={who['username']}"],
        env=runner(app, folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert who["password"] not in done.stdout
    assert SECRET not in done.stdout
    return done.stdout


def login() -> dict[str, str]:
    """For the lab's private registry, as the workflow logs in to GitHub's."""
    password = Path(os.environ["DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE"]).read_text().strip()
    return {"username": os.environ["DOCKCYCLE_LAB_REGISTRY_USER"], "password": password}


def runner(app: AppUnderTest, folder: Path) -> dict[str, str]:
    """The variables of a runner: it keeps its things in ``folder`` and knows nothing of this
    checkout; what pip has downloaded before is there."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    given = {"PIP_CACHE_DIR": str(caches / "pip"), **app.environment({})}
    del given["PYTHONPATH"]
    return given | {
        "DOCKCYCLE_HOME": str(folder / "runner"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def output(said: str, name: str) -> str:
    """An output of the action."""
    found = re.search(rf"::set-output:: {name}=(\S+)$", said, re.M)
    assert found, said
    return found[1]


def test_a_push_is_shipped_and_the_server_deploys_it(
    app: AppUnderTest, server: Site, tmp_path: Path
) -> None:
    commit = app.git("rev-parse", "HEAD")
    said = act(app, tmp_path, "push", "--var", f"DOCKCYCLE_HOOK={server.url}/hooks/{app.name}")
    assert output(said, "status") == "passed", said
    assert output(said, "commit") == commit
    assert "| operate | ➖ skipped | after --to track |" in said
    assert '{"status":"queued","job":1}' in said

    pushed = f"{os.environ['DOCKCYCLE_LAB_REGISTRY']}/acme/{app.name}"
    manifest = server.engine.images.get_registry_data(f"{pushed}:{commit}", auth_config=login())
    assert manifest.id == output(said, "digest")
    server.until_jobs("passed")
    (run,) = server.runs()
    assert (run.trigger, run.outcome["commit"], run.outcome["release"]) == ("webhook", commit, "r1")
    assert app.get().text == "good"


def test_a_pull_request_is_built_and_tested_and_no_more(
    app: AppUnderTest, server: Site, tmp_path: Path
) -> None:
    said = act(app, tmp_path, "pull_request")
    assert output(said, "status") == "passed"
    assert "| smoke | ✅ passed | 1 of 1 checks passed |" in said
    assert "| push | ➖ skipped | after --to smoke |" in said
    assert "Deploy" not in said
    assert server.jobs() == []
