"""Stage 7: what was built becomes a fact of git: the Dockerfile committed, the release tagged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import model_validator

from pipeline.artifacts import Artifact, Dockerfiles, GitRecord, Images, PushedImages, Source
from pipeline.errors import DockcycleError
from pipeline.kit import release_tags
from pipeline.kit.git_names import BranchName, RemoteName
from pipeline.kit.hashing import fingerprint, git_blob
from pipeline.kit.release_tags import ReleaseTag
from pipeline.stage import Context, Stage, StageOptions
from stages._track_files import files_to_track
from stages._track_work import Tracking, exact_images


class TrackOptions(StageOptions):
    push: bool | RemoteName = False
    """The git remote to push to (`true` is `origin`); nothing leaves this machine without."""
    branch: BranchName | None = None
    """Commit to this branch; the one that is checked out without."""
    pull_request: bool = False
    """Leave the branch as it is and push the commit as a branch `dockcycle/…` to merge from."""
    tag: bool | ReleaseTag = False
    """Mark the release with an annotated tag: `true`, or a pattern such as `v{version}`."""
    message: str | None = None
    """First line (and more) of the commit's text."""

    @model_validator(mode="after")
    def _belongs_together(self) -> TrackOptions:
        if self.pull_request and not self.push:
            raise ValueError("`pull_request:` needs `push:`, the remote to offer the branch to")
        if self.pull_request and self.branch is not None:
            raise ValueError("`pull_request:` makes a branch of its own, so `branch:` says nothing")
        return self

    @property
    def remote(self) -> str | None:
        if isinstance(self.push, str):
            return self.push
        return "origin" if self.push else None

    @property
    def tag_pattern(self) -> str | None:
        if isinstance(self.tag, str):
            return self.tag
        return release_tags.DEFAULT if self.tag else None


class TrackStage(Stage[TrackOptions]):
    name: ClassVar[str] = "track"
    summary: ClassVar[str] = "Commits the Dockerfile to git, tags the release, pushes both"
    Options = TrackOptions
    needs = frozenset({Source, Dockerfiles})
    wants = frozenset({Images, PushedImages})
    makes = frozenset({GitRecord})
    releases = True
    default_timeout = 600.0

    def run(self, ctx: Context) -> Sequence[Artifact]:
        source = ctx.get(Source)
        head = ctx.ports.repo.head(source.repository) if source.repository else None
        if head is None:
            ctx.notice("this is no git repository, so nothing is tracked", hint="git init")
            return [GitRecord()]
        if head.commit is None:
            ctx.notice("nothing is committed here yet, so nothing is tracked", hint="git commit")
            return [GitRecord()]
        return [Tracking(ctx, self.options, source, head).run()]

    def fingerprint(self, ctx: Context) -> str | None:
        source = ctx.get(Source)
        files = files_to_track(ctx, source)
        blobs = {path: git_blob(data) for path, data in files.items()}
        images = exact_images(ctx) if self.options.tag_pattern else {}
        return fingerprint(
            self.options, source.repository, source.commit, source.branch, blobs, images
        )

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        source = ctx.get(Source)
        (record,) = (artifact for artifact in artifacts if isinstance(artifact, GitRecord))
        if source.repository is None or record.commit is None:
            return record.commit is None and source.commit is None
        repo, files = ctx.ports.repo, files_to_track(ctx, source)
        branch = record.branch if record.branch != source.branch else None
        try:
            tagged = record.tag is None or repo.find_tag(source.repository, record.tag) is not None
            return tagged and repo.has_files(source.repository, files, branch)
        except DockcycleError:
            return False  # let it run, and say what is wrong
