"""Asking a release, once it is live, what it answered as a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.artifacts import App, Release, SmokeResult
from pipeline.kit import checks as smoke
from pipeline.kit.checks import BaseCheck, HttpCheck, Patience, TcpCheck
from pipeline.kit.front import WithHeaders
from pipeline.kit.releases.site import Site
from pipeline.scope import Scope

PATIENCE = Patience(within=60.0, interval=0.5)
AT_ONCE = Patience(within=60.0, once=True)


@dataclass(frozen=True)
class Verifier:
    """The checks of the release's smoke tests that change nothing and can be asked from here.

    A live app keeps its own data, so a check that orders something is not repeated; and it
    publishes the ports its users need, so a service that only others reach is not asked.
    """

    checks: tuple[BaseCheck, ...]
    site: Site
    report: Callable[[SmokeResult], None]
    patience: Patience = PATIENCE

    def __call__(self, app: App, scope: Scope) -> int:
        """Ask them all of ``app``; how many there were.

        Raises:
            StageFailed: one does not pass.
        """
        chosen = [check for check in self.checks if _reaches(check, app)]
        smoke.run_checks(
            chosen,
            app,
            ports=self.site.ports,
            scope=scope,
            patience=self.patience,
            expand=self.site.expand,
            report=self.report,
            progress=self.site.tell,
        )
        return len(chosen)

    def trying(self, headers: Mapping[str, str]) -> Verifier:
        """The same, but HTTP requests carry ``headers``. That a port is open then says nothing: it
        is the front's."""
        ports = replace(self.site.ports, http=WithHeaders(self.site.ports.http, headers))
        checks = tuple(check for check in self.checks if not isinstance(check, TcpCheck))
        return replace(self, checks=checks, site=replace(self.site, ports=ports))

    def at_once(self) -> Verifier:
        """Only what an answer is known of at once, each asked once, and nobody is told."""
        checks = tuple(check for check in self.checks if isinstance(check, HttpCheck))
        return replace(self, checks=checks, patience=AT_ONCE, report=lambda result: None)


def verifier(
    release: Release, site: Site, report: Callable[[SmokeResult], None] = lambda result: None
) -> Verifier:
    """What is asked of ``release`` once it is live; ``report`` is told each result."""
    recorded = smoke.load(release.smoke.checks) if release.smoke else ()
    return Verifier(smoke.read_only(recorded), site, report)


def _reaches(check: BaseCheck, app: App) -> bool:
    state = app.services.get(check.service or app.main)
    if state is None:
        return False
    if isinstance(check, HttpCheck):
        return bool(state.endpoints) and (check.port is None or check.port in state.endpoints)
    return not isinstance(check, TcpCheck) or check.tcp in state.endpoints
