"""All that there is of an app outside: on the engine, in its registry, in git, at its port.

Two worlds are equal when a user could not tell them apart. What differs by nature from one run to
the next is named by what it means: releases by their place (``live``, ``live-1``), images by the
version that is in them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docker
import requests

from pipeline.kit.labels import PROJECT, RELEASE, ROLE
from tests.engine import quick
from tests.engine.conftest import AppUnderTest
from tests.engine.small import VERSION


@dataclass(frozen=True)
class World:
    """``answer`` is what the app's port says, None when nothing listens."""

    engine: tuple[str, ...]
    """A line for each object."""
    registry: tuple[str, ...]
    git: Mapping[str, Any]
    status: Mapping[str, Any]
    answer: str | None


def look(app: AppUnderTest, engine: docker.DockerClient) -> World:
    """The world as it is now; the live release and the version in it are the measure."""
    status = quick.command(app, "status", "--json").json
    versions = {i["Id"]: int((i["Labels"] or {}).get(VERSION, 0)) for i in engine.api.images()}
    newest = max((versions[service["image"]] for service in status["services"]), default=0)
    names = Names(app.name, int(status["release"][1:] or 0), newest, versions)
    return World(
        engine=tuple(sorted(_objects(engine, names))),
        registry=tuple(_pushed(app, engine)),
        git=_git(app, names),
        status={"state": status["state"], "releases": [names.of(r) for r in status["releases"]]},
        answer=relative(answer(app), newest),
    )


def answer(app: AppUnderTest, within: float = 1.0) -> str | None:
    """What the port says; an app that has just been started gets a moment to listen."""
    end = time.monotonic() + within
    while True:
        try:
            return app.get().text
        except requests.RequestException:
            if time.monotonic() > end:
                return None
            time.sleep(0.02)


def relative(text: str | None, newest: int) -> str | None:
    """Versions in a text by their distance from ``newest``."""
    if text is None:
        return None
    return re.sub(r"version (\d+)", lambda found: f"version {int(found[1]) - newest:+d}", text)


@dataclass(frozen=True)
class Names:
    """Puts names by meaning in the place of those that differ from run to run."""

    project: str
    live: int
    newest: int
    versions: Mapping[str, int]
    """Image id → version that is in it."""

    def ours(self, name: str, labels: Mapping[str, str] | None) -> bool:
        return self.project in name or (labels or {}).get(PROJECT) == self.project

    def of(self, text: str) -> str:
        """``hello-r7`` → ``PROJECT-live`` when r7 is live, ``PROJECT-live-1`` when r8 is."""
        text = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text.replace(self.project, "PROJECT"))

        def place(found: re.Match[str]) -> str:
            behind = int(found[1]) - self.live
            return f"live{behind:+d}" if behind else "live"

        return re.sub(r"\br(\d+)\b", place, text)

    def image(self, image: str) -> str:
        version = self.versions[image]
        return f"version {version - self.newest:+d}" if version else "not ours"


def _objects(engine: docker.DockerClient, names: Names) -> Iterator[str]:
    """Whatever carries the project's label, or its name."""
    api = engine.api
    for found in api.containers(all=True):
        name = found["Names"][0].lstrip("/")
        if names.ours(name, found["Labels"]):
            policy = api.inspect_container(found["Id"])["HostConfig"]["RestartPolicy"]["Name"]
            image = names.image(found["ImageID"])
            yield f"container {names.of(name)} {found['State']} restart={policy} {image}"
    for found in api.networks():
        if names.ours(found["Name"], found["Labels"]):
            yield f"network {names.of(found['Name'])}"
    for found in api.volumes()["Volumes"] or []:
        if names.ours(found["Name"], labels := found["Labels"] or {}):
            name = re.sub(r"\.\d{6}$", "", found["Name"])  # how often it went live may differ
            yield f"volume {names.of(name)} {names.of(labels.get(RELEASE, ''))}"
    for found in api.images():
        tags = found["RepoTags"] or []
        if names.ours(" ".join(tags), found["Labels"]):
            # A base image may have names of other projects, too.
            tags = sorted(names.of(tag) for tag in tags if names.project in tag)
            yield f"image {names.image(found['Id'])} {' '.join(tags)}"


def _pushed(app: AppUnderTest, engine: docker.DockerClient) -> list[str]:
    """Tags in the local registry, by how many commits ago they were shipped."""
    own = engine.api.containers(filters={"label": f"{ROLE}=registry"})
    if not own:
        return []
    port = next(bound["PublicPort"] for bound in own[0]["Ports"] if "PublicPort" in bound)
    url = f"http://127.0.0.1:{port}/v2/{app.name}/tags/list"
    tags = requests.get(url, timeout=10).json().get("tags") or []
    ages = {commit: age for age, commit in enumerate(app.git("log", "--format=%H").split())}
    pushed = ((ages[tag[:40]], tag[40:]) for tag in tags)
    return [f"{age} commits ago{suffix}" for age, suffix in sorted(pushed) if age < 4]


def _git(app: AppUnderTest, names: Names) -> dict[str, Any]:
    log = [line.split(" ", 1) for line in app.git("log", "--format=%H %s").splitlines()]
    tracked = {commit for commit, subject in log if subject.startswith("Track ")}
    # Two tags of one commit are two images: the builder may have lost its cache between the runs.
    tags = app.git("for-each-ref", "--format=%(refname) %(*objectname)", "refs/tags/dockcycle/")
    tagged = dict(line.split(" ") for line in tags.splitlines())
    lines = app.git("ls-remote", "origin").splitlines()
    refs = {ref: commit for commit, ref in (line.split("\t") for line in lines)}
    return {
        "newest commits": [relative(names.of(one), names.newest) for _, one in log[:4]],
        "changes": app.git("status", "--porcelain"),
        "pushed": refs.get("refs/heads/main") == app.git("rev-parse", "HEAD"),
        "a tag for each tracked commit": set(tagged.values()) == tracked,
        "all tags pushed": set(tagged) <= set(refs),
    }
