"""The story of a shop: releases, a failure, a run under way."""

from __future__ import annotations

from typing import Any

from pipeline.errors import Location
from pipeline.events import ErrorInfo, Notice, Serving, StageProgress
from pipeline.store import Store
from tests.support.page import COMMIT, NOW, Told, begin, check, source

API, WEB = "sha256:" + "41d9" * 16, "sha256:" + "8be2" * 16
DIGEST = "sha256:" + "9c0e" * 16
BUILD_LOG = (
    ("[internal] load build context", ("transferring context: 48.20kB",)),
    ("[api 2/4] RUN pip install -r requirements.txt",
     ("Collecting flask==3.1.0", "Collecting gunicorn==23.0.0",
      "\x1b[32mSuccessfully installed flask-3.1.0 gunicorn-23.0.0\x1b[0m")),
    ("[web 3/5] RUN npm ci",
     ("\x1b[1madded 84 packages\x1b[0m in 2s", "\x1b[33mwarn\x1b[0m deprecated inflight@1.0.6")),
    ("exporting to image", ("writing image sha256:41d941d941d9 done",)),
)  # fmt: skip
DONE: dict[str, float] = {
    "code": 3.1, "dockerfile": 0.3, "build": 9.4, "run": 2.2, "smoke": 1.6, "push": 2.9,
    "track": 0.8, "operate": 2.1,
}  # fmt: skip


def good(store: Store, run: str, started: float, subject: str, release: str, **about: Any) -> Told:
    """A run that made a release."""
    told = begin(store, run, started, **{k: v for k, v in about.items() if k == "trigger"})
    taken = source(subject, **{k: v for k, v in about.items() if k != "trigger"})
    up_to_smoke(told, taken)
    told.at += 0.4
    for stage in ("push", "track", "operate"):
        told.start(stage)
        told.at += DONE[stage]
        told.end(stage, DONE[stage], **_result(stage, release, taken))
    outcome = {"url": "http://shop.example.com", "release": release, "digest": DIGEST,
               "commit": taken["commit"]}  # fmt: skip
    told.at += 0.2
    told.finish("passed", 0, outcome)
    return told


def up_to_smoke(told: Told, taken: dict[str, Any]) -> None:
    """The first five stages, all well."""
    for stage in ("code", "dockerfile", "build", "run"):
        told.at += 0.15
        told.start(stage)
        if stage == "code":
            told.log("code", "128 passed in 2.41s", step="python -m pytest -q")
        if stage == "build":
            for step, lines in BUILD_LOG:
                told.log("build", *lines, step=step)
        told.at += DONE[stage]
        told.end(stage, DONE[stage], **_result(stage, "", taken))
    told.at += 0.3
    told.start("smoke")
    told.tell(check("the catalogue is served", seconds=0.041))
    told.tell(check("an order can be placed", seconds=0.312, attempts=2))
    told.tell(check("the worker is awake", seconds=0.75))
    told.at += DONE["smoke"]
    told.end("smoke", DONE["smoke"], summary="3 of 3 checks passed")


def _result(stage: str, release: str, taken: dict[str, Any]) -> dict[str, Any]:
    images = {"api": {"id": API, "size": 148_000_000}, "web": {"id": WEB, "size": 96_400_000}}
    pushed = {"api": [{"ref": "registry.example.com/acme/shop:3f9ac1d", "digest": DIGEST,
                       "image": API}]}  # fmt: skip
    made = {
        "id": release, "commit": taken["commit"], "branch": taken["branch"], "gap": 0.0,
        "images": {"api": API, "web": WEB}, "spec": {"services": {"api": {"cpus": 1}}},
        "url": "http://shop.example.com",
        "smoke": {"results": [{"name": "the catalogue is served", "passed": True}]},
    }  # fmt: skip
    found: dict[str, Any] = {
        "code": {"summary": f"{taken['commit'][:12]} on {taken['branch']}",
                 "artifacts": {"Source": taken}},
        "dockerfile": {"summary": "2 Dockerfiles (existing)"},
        "build": {"summary": "2 images", "artifacts": {"Images": {"services": images}}},
        "run": {"summary": "4 services at http://127.0.0.1:49153"},
        "push": {"summary": "registry.example.com/acme/shop:3f9ac1d",
                 "artifacts": {"PushedImages": {"services": pushed}}},
        "track": {"summary": f"committed {COMMIT[:12]}, pushed to origin"},
        "operate": {"summary": f"{release}, live at http://shop.example.com",
                    "artifacts": {"Release": made}},
    }  # fmt: skip
    return dict(found[stage])


def failed(store: Store, run: str, started: float) -> Told:
    """A run whose smoke tests found what is wrong."""
    told = begin(store, run, started)
    taken = source("Round prices half to even", branch="pricing", commit="c0ffee11aa220033bb44")
    for stage in ("code", "dockerfile", "build", "run"):
        told.start(stage)
        told.at += DONE[stage]
        told.end(stage, DONE[stage], **_result(stage, "", taken))
    told.tell(Notice(stage="build", level="warning", message="pin versions in apt-get install",
                     rule="DL3008", where=Location("api/Dockerfile", 7)))  # fmt: skip
    told.start("smoke")
    told.tell(check("the catalogue is served", seconds=0.05))
    told.tell(check("an order can be placed", passed=False, seconds=20.1, attempts=9,
                    message="status 500, expected 201"))  # fmt: skip
    told.at += 20.4
    detail = "\n".join(
        ["api-1  | Traceback (most recent call last):",
         'api-1  |   File "/app/src/shop.py", line 84, in total',
         "api-1  |     return price.quantize(CENT, ROUND_HALF_EVENT)",
         "api-1  | NameError: name 'ROUND_HALF_EVENT' is not defined"]
    )  # fmt: skip
    error = ErrorInfo(
        kind="StageFailed", message="an order can be placed: status 500, expected 201",
        detail=detail, hint="`dockcycle show --log` has all that the candidate printed.",
        where=Location("pipeline.yml", 31, key="stages.4.smoke.checks.1"),
    )  # fmt: skip
    told.end("smoke", 20.4, status="failed", error=error)
    told.at += 1.2
    serving = Serving(state="live", release="r14", url="http://shop.example.com")
    told.finish("failed", 1, {"commit": taken["commit"]}, serving)
    return told


def rolled_back(store: Store, run: str, started: float) -> Told:
    """A rollback to r12."""
    told = begin(store, run, started, stages=("rollback",), reason="back to r12", trigger="cli")
    told.start("rollback")
    told.at += 2.4
    told.end(
        "rollback",
        2.4,
        summary="r12, live at http://shop.example.com",
        artifacts={"Release": {"id": "r12", "branch": "main", "commit": "77d0e6b1" * 5}},
    )
    told.finish("passed", 0, {"release": "r12", "url": "http://shop.example.com"})
    return told


def under_way(store: Store, run: str, started: float) -> Told:
    """A run in the middle of its build."""
    told = begin(store, run, started)
    taken = source("Show stock on the product page", commit="5d41402abc4b2a76b971")
    for stage in ("code", "dockerfile"):
        told.start(stage)
        told.at += DONE[stage]
        told.end(stage, DONE[stage], **_result(stage, "", taken))
    told.start("build")
    for step, lines in BUILD_LOG[:3]:
        told.log("build", *lines, step=step)
    told.tell(StageProgress(stage="build", message="[web 3/5] RUN npm ci"))
    return told


def story(store: Store, *, now: float = NOW) -> dict[str, str]:
    """All of it; the ids of the runs by what they are."""
    good(store, "20261121T094000-11aa", now - 252_300, "Cache the catalogue", "r12",
         commit="77d0e6b1c2aa4c8f9e02")  # fmt: skip
    good(store, "20261123T150400-22bb", now - 60_060, "Send receipts by the worker", "r13",
         commit="a81b22c07dd94f3e5b10", trigger="cli")  # fmt: skip
    rolled_back(store, "20261123T161000-33cc", now - 56_100)
    good(store, "20261124T063100-44dd", now - 4_440, "Place orders in one transaction", "r14")
    failed(store, "20261124T071200-55ee", now - 1_980)
    under_way(store, "20261124T074440-66ff", now - 19)
    return {
        "released": "20261124T063100-44dd", "failed": "20261124T071200-55ee",
        "running": "20261124T074440-66ff", "rollback": "20261123T161000-33cc",
    }  # fmt: skip


def neighbours(store: Store, *, now: float = NOW) -> None:
    """Runs of the other projects of the server."""
    for run, project, ago, subject, status in (
        ("20261124T051000-77aa", "hello", 9_300.0, "Greet in three languages", "passed"),
        ("20261124T072400-88bb", "mailer", 1_260.0, "Retry what bounces", "failed"),
    ):
        told = begin(store, run, now - ago, project=project)
        last = 8 if status == "passed" else 7  # stages that end well
        for number, (stage, seconds) in enumerate(DONE.items(), start=1):
            if number > last + 1:
                break
            told.start(stage)
            told.at += seconds
            good = number <= last
            made = {"Source": source(subject, commit="b10c" * 5)} if stage == "code" else None
            error = None if good else ErrorInfo(kind="StageFailed", message="not healthy in 60 s")
            told.end(stage, seconds, status="passed" if good else "failed", artifacts=made,
                     error=error)  # fmt: skip
        outcome = {"release": "r14", "commit": "b10c" * 10} if status == "passed" else {}
        told.finish(status, 0 if status == "passed" else 1, outcome)
