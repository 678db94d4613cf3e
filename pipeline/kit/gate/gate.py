"""The gate of an engine: a container of Caddy that passes domains on to the projects' fronts.

Who is behind which domain is claimed on the engine (``claims``) and listed in its volume, as names
of files, so a gate that was deleted is made anew as it was. It knows fronts only, by a network of
its own: releases change behind them without its being touched, and apps of different projects do
not meet in it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

from pipeline.artifacts import Endpoint
from pipeline.errors import EngineRefused, PortTaken, StageFailed
from pipeline.kit.caddy_image import caddy_image
from pipeline.kit.gate.acme import Acme
from pipeline.kit.gate.caddy import (
    CERTIFICATES,
    CONFIG,
    FOLDER,
    ROOT,
    configuration,
    domain_of,
    is_secure,
)
from pipeline.kit.gate.claims import Claim, claim, claims, require_unclaimed, withdraw
from pipeline.kit.gate.container import MARK, NAME, OURS, PORTS, asks_permission, spec
from pipeline.kit.gate.domains import is_home
from pipeline.kit.gate.state import QUICK, GateState
from pipeline.kit.hashing import fingerprint
from pipeline.kit.lease import Lease
from pipeline.kit.ports_free import require_free
from pipeline.kit.reach import engine_host
from pipeline.kit.readiness import last_lines
from pipeline.ports import Clock, Http, Journal
from pipeline.ports.engine import ContainerInfo, ImageInfo
from pipeline.ports.http import HttpFailure
from pipeline.scope import Scope

FRONTS = "dockcycle-gate-fronts"
"""The network that it shares with the projects' fronts. It leads nowhere else, so that a front that
joins it while it runs goes on publishing its ports from where it did."""
LIMIT = 20.0
"""Seconds that Caddy may take until it listens."""
TURN = 60.0
"""Seconds to wait for another client of the engine that is making the gate."""
_TURN_OF = "dockcycle.gate"
"""What that wait is for; no project has such a name."""
_LOOK_BACK = 200
"""Lines of its log."""
_LONGEST = 300
"""Characters of an error in it."""
_ERROR = re.compile(r'"error":"((?:[^"\\]|\\.)+)"')


@dataclass(frozen=True)
class _Build:
    """What its container is made from; ``mark`` tells one from another."""

    image: ImageInfo
    mark: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Gate(GateState):
    """The gate of an engine, to be put right."""

    http: Http
    clock: Clock
    journal: Journal
    scope: Scope

    def require(self, project: str, domains: Iterable[str]) -> None:
        """See that the project could have the domains; changes nothing.

        Raises:
            EngineRefused: another project has one.
            PortTaken: something else has port 80 or 443.
        """
        require_unclaimed(self.engine, project, domains)
        try:
            require_free(PORTS, engine=self.engine, http=self.http, allowed={NAME})
        except PortTaken as error:
            error.hint = (
                "A `domain` is served at ports 80 and 443, by one gate for all projects. Stop what "
                "has them, or use `publish` and lead your own proxy there."
            )
            raise

    def join(self, front: str) -> None:
        """Let the gate reach a front (a container)."""
        with self.journal.effect("network", FRONTS):
            self.engine.create_network(FRONTS, OURS, internal=True)
            self.engine.connect(FRONTS, front)

    def lead(self, project: str, entries: Sequence[str], acme: Acme) -> None:
        """Do what these entries say for the project, and nothing else. Idempotent.

        Raises:
            EngineRefused: another project has one of the domains.
            StageFailed: another authority is in use, or Caddy does not start.
            PortTaken: something else has port 80 or 443.
            Locked: others have been making or removing the gate for too long.
        """
        domains = [domain_of(entry) for entry in entries]
        self.require(project, domains)
        build = self._build(self._agreed(project, acme))
        wanted = [
            Claim(project=project, domain=domain, entry=entry, acme=acme)
            for domain, entry in zip(domains, entries, strict=True)
        ]
        # While the project has claims, nobody removes the gate.
        stays = set(wanted) <= set(claims(self.engine, project)) and self._running(build)
        with nullcontext() if stays else self._turn("making the gate"):
            for one in wanted:
                claim(self.engine, one, self.journal)
            withdraw(self.engine, project, keep=domains)
            info = self._ready(build)
            with self.journal.effect("gate", NAME):
                self.sync(info)

    def forget(self, project: str) -> list[str]:
        """Lead nobody to the project any more, and remove the gate when it leads nowhere then; what
        was done, for people. Certificates stay.

        Raises:
            Locked: others have been making or removing the gate for too long.
        """
        known = claims(self.engine)
        if all(claim.project != project for claim in known) and (known or not self.found()):
            return [] if known else self._clear()
        with self._turn("leaving the gate"):
            gone = withdraw(self.engine, project)
            info = self.found()
            if not claims(self.engine):
                return self._end(info)
            if info and gone:
                self.sync(info)
        return [f"the gate no more leads {domain} to {project}" for domain in gone]

    def _end(self, info: ContainerInfo | None) -> list[str]:
        if info is None:
            return self._clear()
        self.engine.remove(info.id)
        return [*self._clear(), f"removed {NAME}, whose certificates stay in the volume {NAME}"]

    def _clear(self) -> list[str]:
        """Remove its networks, unless a front that is still there may need them soon."""
        for network in self.engine.networks(OURS):
            with suppress(EngineRefused):
                self.engine.remove_network(network.name)
        return []

    def vouches(self, domain: str, limit: float) -> str:
        """What keeps it from having a certificate for ``domain``; empty when it has one. It gets
        one when it is asked, which may take ``limit`` seconds. Asked once: public authorities take
        few failures in an hour."""
        end = self.clock.monotonic() + limit
        while True:
            try:
                self.http.tls(self._host, 443, domain, limit)
            except HttpFailure as error:
                if error.kind != "absent" or self.clock.monotonic() > end:
                    return self._said_of(domain) or str(error)
            else:
                return ""
            self.clock.sleep(1.0, self.scope)

    def _said_of(self, domain: str) -> str:
        """The last error about the domain in its log; empty without one."""
        if self.found() is None:
            return ""
        scope = self.scope.child(QUICK, what="the log of the gate")
        for line in reversed(list(self.engine.logs(NAME, tail=_LOOK_BACK, scope=scope))):
            if f'"{domain}"' in line and (found := _ERROR.search(line)):
                return str(json.loads(f'"{found[1]}"'))[:_LONGEST]
        return ""

    def reached(self, entries: Sequence[str]) -> Endpoint | None:
        """Where one of their domains is asked from here; None while none has a certificate (which
        this does not try to get)."""
        for one in entries:
            domain = domain_of(one)
            if not is_secure(one):
                return Endpoint(host=self._host, port=80, site=f"http://{domain}")
            if is_home(domain) or self._is_certified(domain):
                return Endpoint(host=self._host, port=443, site=f"https://{domain}")
        return None

    def _is_certified(self, domain: str) -> bool:
        info = self.found()
        if info is None or not info.running:
            return False
        argv = ["find", CERTIFICATES, "-name", f"{domain}.crt"]
        found = self.run(info, argv)
        return found.exit_code == 0 and bool(found.output.strip())

    @property
    def _host(self) -> str:
        return engine_host(self.engine.info().address)

    def _agreed(self, project: str, acme: Acme) -> Acme:
        """Who signs for all projects: one gate asks one authority."""
        others = (c for c in claims(self.engine) if c.project != project and c.acme != Acme())
        other = next(others, None)
        if other is None:
            return acme
        if acme not in (Acme(), other.acme):
            raise StageFailed(
                f"{other.project} has its certificates from {other.acme.ca or 'elsewhere'}",
                hint="`acme` is the same for all projects of an engine: leave it out here, or "
                "change it there first.",
            )
        return other.acme

    def _turn(self, what: str) -> AbstractContextManager[Scope]:
        """Projects come and go at the same time, and the gate is of them all."""
        lease = Lease(self.engine, _TURN_OF, secrets.token_hex(8), self.clock)
        return lease.hold(what, wait=TURN, scope=self.scope)

    def _build(self, acme: Acme) -> _Build:
        image = caddy_image(self.engine, self.journal, self.scope)
        config = configuration(acme, permission=asks_permission(image))
        files = {CONFIG: json.dumps(config, indent=1).encode(), ROOT: acme.root.encode()}
        return _Build(image, fingerprint(config), {**files, f"{FOLDER}/.keep": b""})

    def _ready(self, build: _Build) -> ContainerInfo:
        """The container, as it should be, running."""
        if info := self._running(build):
            return info
        with self.journal.effect("gate", NAME):
            if (old := self.found()) is not None:
                self.engine.remove(old.id)
            made = self._make(build)
        return self._await(made)

    def _running(self, build: _Build) -> ContainerInfo | None:
        info = self.found()
        return info if info and info.running and info.labels.get(MARK) == build.mark else None

    def _make(self, build: _Build) -> str:
        self.engine.create_volume(NAME, OURS)
        self.engine.create_network(NAME, OURS)
        self.engine.create_network(FRONTS, OURS, internal=True)
        made = self.engine.create(spec(build.image.id, build.mark))
        self.engine.put(made, build.files)
        self.engine.connect(FRONTS, made)
        try:
            self.engine.start(made)
        except PortTaken:
            self.engine.remove(made)
            raise
        return made

    def _await(self, container: str) -> ContainerInfo:
        """Wait until it listens."""
        end = self.clock.monotonic() + LIMIT
        while True:
            info = self.engine.inspect(container)
            if info is None or not info.running or self.clock.monotonic() > end:
                raise StageFailed(
                    f"the gate does not listen; its container is {info.state if info else 'gone'}",
                    hint="The last lines of its log are below.",
                    detail=last_lines(self.engine, container) if info else "",
                )
            try:
                for port in PORTS:
                    self.http.tcp(self._host, port.host_port, 1.0)
            except HttpFailure:
                self.clock.sleep(0.05, self.scope)
            else:
                return info
