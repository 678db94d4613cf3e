"""The stages that speak to git, on a real repository, the local shell and the fake engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.adapters.git_repo import GitRepo
from pipeline.adapters.shell import LocalShell
from pipeline.artifacts import (
    SINGLE,
    Artifact,
    CheckReport,
    DockerfileInfo,
    Dockerfiles,
    GitRecord,
    Image,
    Images,
    PushedImage,
    PushedImages,
    Source,
)
from pipeline.events import Notice
from pipeline.kit.hashing import git_blob
from pipeline.ports import Engine
from pipeline.scope import Scope
from pipeline.stage import Context, StageOptions
from stages.code import CodeOptions, CodeStage
from stages.track import TrackOptions, TrackStage
from tests.support.stage_context import Recorded, stage_context

IMAGE = "sha256:" + "1a2b3c4d" * 8
DIGEST = "sha256:" + "5e6f7a8b" * 8


@dataclass
class GitStages:
    """One project in ``directory``; state beside it."""

    directory: Path
    state: Path
    engine: Engine = field(default_factory=FakeEngine)
    recorded: Recorded = field(default_factory=Recorded)
    secrets: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, StageOptions] = field(default_factory=dict)
    scope: Scope = field(default_factory=lambda: Scope(120))
    project: str = "hello"

    def context(self, *artifacts: Artifact) -> Context:
        ports = SimpleNamespace(repo=GitRepo(), shell=LocalShell(), engine=self.engine)
        context = stage_context(
            *artifacts, ports=ports, recorded=self.recorded, secrets=self.secrets,
            directory=self.directory, scope=self.scope, project=self.project,
        )  # fmt: skip
        return replace(
            context, project=replace(context.project, state=self.state), peers=self.peers
        )

    def notices(self) -> list[str]:
        return [notice.message for notice in self.recorded.of(Notice)]

    # code

    def code(self, **options: Any) -> Source:
        return self.checked(**options)[0]

    def checked(self, *checks: Any, **options: Any) -> tuple[Source, CheckReport]:
        stage = code_stage(*checks, **options)
        source, report = stage.run(self.context())
        assert isinstance(source, Source)
        assert isinstance(report, CheckReport)
        return source, report

    # track

    def evidence(
        self, source: Source, written: Sequence[str] = ("Dockerfile", ".dockerignore")
    ) -> list[Artifact]:
        """What the stages between make, given that ``written`` are in the app's folder."""
        app = Path(source.path)
        text = (app / "Dockerfile").read_text()
        ignore = app / ".dockerignore"
        info = DockerfileInfo(
            path=str(app / "Dockerfile"), context=str(app), origin="generated", text=text,
            blob=git_blob(text), ignore_file=str(ignore) if ignore.exists() else None,
        )  # fmt: skip
        pushed = PushedImage(ref="127.0.0.1:5000/hello:1", digest=DIGEST, image=IMAGE)
        return [
            source,
            Dockerfiles(services={SINGLE: info}, written=tuple(str(app / n) for n in written)),
            Images(services={SINGLE: Image(id=IMAGE)}),
            PushedImages(services={SINGLE: (pushed,)}),
        ]

    def track(self, source: Source, **options: Any) -> GitRecord:
        stage = TrackStage(TrackOptions(**options))
        (record,) = stage.run(self.context(*self.evidence(source)))
        assert isinstance(record, GitRecord)
        return record


def code_stage(*checks: Any, **options: Any) -> CodeStage:
    """As from pipeline.yml: a check is text or a mapping."""
    return CodeStage(CodeOptions.model_validate({**options, "checks": list(checks)}))
