"""A fake engine with an app's releases on it."""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program, says
from pipeline.artifacts import SINGLE, Release, SmokeReport
from pipeline.kit.releases import Ledger, Site, WentLive, go_live, verifier
from pipeline.ports.engine import BuildRequest, BuildStep, ContainerSpec, Port
from pipeline.scope import Scope
from pipeline.stage import Ports

CHECK = {"get": "/", "expect": {"status": 200, "body": "good"}}
PORT = 8000
EMPTY = tempfile.mkdtemp(prefix="dockcycle-test-")
atexit.register(os.rmdir, EMPTY)


class Killed(BaseException):
    """Stands for ``kill -9``: nothing catches it but what would not run at all."""


@dataclass
class Journal:
    """Notes effects; dies before or after the one that it is told to."""

    effects: list[str] = field(default_factory=list)
    die_at: int | None = None
    crossed: int = 0

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        self._cross()
        yield
        self.effects.append(f"{kind} {key}")
        self._cross()

    def _cross(self) -> None:
        self.crossed += 1
        if self.crossed == self.die_at:
            raise Killed


class Quiet:
    def step(self, step: BuildStep) -> None: ...
    def line(self, step: str, text: str) -> None: ...
    def notice(self, message: str, hint: str) -> None: ...


@dataclass
class Yard:
    """One project on a fake engine."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    journal: Journal = field(default_factory=Journal)
    told: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        world = {"engine": self.engine, "http": self.engine.http, "clock": FakeClock()}
        names = ("compose", "registry", "credentials", "repo", "shell")
        ports = Ports(**cast(Any, world | dict.fromkeys(names)))
        return Site(
            project="hello", ports=ports, journal=self.journal, scope=Scope(60), run="run1",
            client="me", expand=lambda text: text.replace("{secret:PW}", "s3cret"),
            tell=self.told.append, log=self.told.append,
        )  # fmt: skip

    @property
    def ledger(self) -> Ledger:
        return self.site.ledger

    def image(self, version: str, answer: str = "good") -> str:
        """Build an image whose containers answer so."""
        self.engine.behave(Program(answer=says(answer)))
        text = f"FROM scratch\nLABEL dockcycle.project=hello version={version}\n"
        request = BuildRequest(
            context=EMPTY, dockerfile_text=text, tags=(f"hello:{version}",),
            labels={"dockcycle.project": "hello"},
        )  # fmt: skip
        return self.engine.build(request, Quiet(), Scope(10)).id

    def release(self, number: int, image: str, **more: Any) -> Release:
        spec = ContainerSpec(
            image=image, name="hello", environment={"PW": "{secret:PW}"},
            ports=(Port(container=5000, host_port=PORT),), restart="unless-stopped",
        )  # fmt: skip
        return Release(
            id=f"r{number}", project="hello", run="run1", created="2026-01-01T00:00:00+00:00",
            images={SINGLE: image}, spec=spec.model_dump(mode="json"),
            url=f"http://localhost:{PORT}",
            smoke=SmokeReport(images={SINGLE: image}, checks=(CHECK,)), **more,
        )  # fmt: skip

    def live(self, release: Release, *, keep: int = 5, reason: str = "release") -> WentLive:
        site = self.site
        return go_live(site, release, reason=reason, keep=keep, verify=verifier(release, site))

    def serving(self) -> list[str]:
        """Names of running containers of releases."""
        return [c.name for c in self.engine.containers({"dockcycle.role": "live"}) if c.running]

    def containers_of_releases(self) -> list[str]:
        """Names of containers of releases, running or not."""
        return [c.name for c in self.engine.containers({"dockcycle.role": "live"})]

    def containers(self) -> list[str]:
        return [c.name for c in self.engine.containers({"dockcycle.project": "hello"})]

    def reborn(self) -> Yard:
        """The same engine, seen by a process that has not died."""
        return replace(self, journal=Journal(), told=[])


def new_yard() -> Yard:
    """One where a front can be had."""
    yard = Yard()
    yard.engine.publish("caddy:2")
    return yard
