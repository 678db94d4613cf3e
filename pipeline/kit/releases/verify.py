"""Asking a release, once it is live, what it answered as a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.artifacts import App, Release, SmokeResult
from pipeline.kit import checks as smoke
from pipeline.kit.checks import BaseCheck, HttpCheck, Patience
from pipeline.kit.releases.site import Site, Verify
from pipeline.scope import Scope

PATIENCE = Patience(within=60.0, interval=0.5)


def verifier(
    release: Release, site: Site, report: Callable[[SmokeResult], None] = lambda result: None
) -> Verify:
    """The checks of the release's smoke tests that change nothing and can be asked from here.

    A live app keeps its own data, so a check that orders something is not repeated; and it
    publishes the ports its users need, so a service that only others reach is not asked.
    """
    recorded = smoke.load(release.smoke.checks) if release.smoke else ()

    def verify(app: App, scope: Scope) -> int:
        chosen = _askable(smoke.read_only(recorded), app)
        smoke.run_checks(
            chosen,
            app,
            ports=site.ports,
            scope=scope,
            patience=PATIENCE,
            expand=site.expand,
            report=report,
            progress=site.tell,
        )
        return len(chosen)

    return verify


def _askable(checks: Sequence[BaseCheck], app: App) -> list[BaseCheck]:
    return [check for check in checks if _reaches(check, app)]


def _reaches(check: BaseCheck, app: App) -> bool:
    state = app.services.get(check.service or app.main)
    if state is None:
        return False
    if isinstance(check, HttpCheck):
        return bool(state.endpoints) and (check.port is None or check.port in state.endpoints)
    tcp = getattr(check, "tcp", None)
    return tcp is None or tcp in state.endpoints
