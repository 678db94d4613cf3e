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
from contextlib import suppress
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
from pipeline.kit.hashing import fingerprint
from pipeline.kit.lease import Lease
from pipeline.kit.ports_free import require_free
from pipeline.kit.reach import engine_host
from pipeline.kit.readiness import last_lines
from pipeline.ports import Clock, Engine, Http, Journal
from pipeline.ports.engine import ContainerInfo, ExecResult, ImageInfo
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
_QUICK = 20.0
"""Seconds for a command in its container."""


@dataclass(frozen=True)
class GateState:
    """How the gate of an engine stands."""

    engine: Engine

    def found(self) -> ContainerInfo | None:
        return next(iter(self.engine.containers(OURS)), None)

    def entries(self) -> set[str]:
        """What it leads where, as names of files (see ``caddy``); empty if it does not run."""
        info = self.found()
        if info is None or not info.running:
            return set()
        listed = self._run(info, ["ls", FOLDER])
        return set(listed.output.split()) if listed.exit_code == 0 else set()

    def drift(self, entries: Iterable[str]) -> str:
        """What keeps it from doing what they say; empty when nothing does."""
        info = self.found()
        if info is None:
            return "the gate is gone"
        if not info.running:
            return f"the gate is {info.state}"
        claimed = {claim.entry for claim in claims(self.engine)}
        wrong = sorted(set(entries) - (self.entries() & claimed))
        return f"the gate does not lead {domain_of(wrong[0])} here" if wrong else ""

    def forget(self, project: str) -> list[str]:
        """Lead nobody to the project any more, and remove the gate when it leads nowhere then; what
        was done, for people. Certificates stay."""
        gone = withdraw(self.engine, project)
        info, left = self.found(), claims(self.engine)
        if info and not left:
            self.engine.remove(info.id)
            return [*self._clear(), f"removed {NAME}, whose certificates stay in the volume {NAME}"]
        if not left:
            return self._clear()
        if info and gone:
            self._sync(info)
        return [f"the gate no more leads {domain} to {project}" for domain in gone]

    def _clear(self) -> list[str]:
        """Remove its networks, unless a front that is still there may need them soon."""
        for network in self.engine.networks(OURS):
            with suppress(EngineRefused):
                self.engine.remove_network(network.name)
        return []

    def _sync(self, info: ContainerInfo) -> None:
        """Let its list say what the claims say."""
        # In this order: what is listed was claimed before, so another project's is never dropped.
        listed = self.entries()
        claimed = {claim.entry for claim in claims(self.engine)}
        if new := claimed - listed:
            self.engine.put(info.id, {f"{FOLDER}/{name}": b"" for name in new})
        self._drop(info, listed - claimed)

    def _drop(self, info: ContainerInfo, names: Iterable[str]) -> None:
        paths = [f"{FOLDER}/{name}" for name in sorted(names)]
        if paths and info.running:
            self._run(info, ["rm", "-f", *paths])

    def _run(self, info: ContainerInfo, argv: list[str]) -> ExecResult:
        return self.engine.exec(info.id, argv, Scope(_QUICK, what=f"`{argv[0]}` in the gate"))


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
        """
        domains = [domain_of(entry) for entry in entries]
        self.require(project, domains)
        signs = self._agreed(project, acme)
        for domain, entry in zip(domains, entries, strict=True):
            wanted = Claim(project=project, domain=domain, entry=entry, acme=acme)
            claim(self.engine, wanted, self.journal)
        withdraw(self.engine, project, keep=domains)
        info = self._ready(signs)
        with self.journal.effect("gate", NAME):
            self._sync(info)

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
        scope = self.scope.child(_QUICK, what="the log of the gate")
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
        found = self._run(info, argv)
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

    def _ready(self, acme: Acme) -> ContainerInfo:
        """The container, as it should be, running."""
        image = caddy_image(self.engine, self.journal, self.scope)
        config = configuration(acme, permission=asks_permission(image))
        mark = fingerprint(config)
        if info := self._running(mark):
            return info
        files = {CONFIG: json.dumps(config, indent=1).encode(), ROOT: acme.root.encode()}
        # Projects release at the same time, and the gate is of them all.
        turn = Lease(self.engine, _TURN_OF, secrets.token_hex(8), self.clock)
        with turn.hold("making the gate", wait=TURN, scope=self.scope):
            if info := self._running(mark):
                return info
            with self.journal.effect("gate", NAME):
                if (old := self.found()) is not None:
                    self.engine.remove(old.id)
                made = self._make(image, mark, files)
            return self._await(made)

    def _running(self, mark: str) -> ContainerInfo | None:
        info = self.found()
        return info if info and info.running and info.labels.get(MARK) == mark else None

    def _make(self, image: ImageInfo, mark: str, files: Mapping[str, bytes]) -> str:
        self.engine.create_volume(NAME, OURS)
        self.engine.create_network(NAME, OURS)
        self.engine.create_network(FRONTS, OURS, internal=True)
        made = self.engine.create(spec(image.id, mark))
        self.engine.put(made, {**files, f"{FOLDER}/.keep": b""})
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
