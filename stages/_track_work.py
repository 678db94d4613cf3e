"""What ``track`` does in a git repository: commit, push, tag, in this order.

No step is undone when a later one fails: a commit that could not be pushed stays, and the next run
pushes it.
"""

from __future__ import annotations

from typing import Protocol

from pipeline.artifacts import GitRecord, Images, PushedImages, Source
from pipeline.errors import GitUnusable
from pipeline.kit import release_tags
from pipeline.kit.git_names import IMAGE_TRAILER, RUN_TRAILER
from pipeline.kit.hashing import fingerprint, git_blob
from pipeline.ports.repo import Head
from pipeline.stage import Context
from stages._track_files import files_to_track, subject, write_where_untouched


class Wishes(Protocol):
    """The options of the stage."""

    @property
    def remote(self) -> str | None: ...
    @property
    def branch(self) -> str | None: ...
    @property
    def pull_request(self) -> bool: ...
    @property
    def tag_pattern(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...


class Tracking:
    """One run of the stage."""

    def __init__(self, ctx: Context, options: Wishes, source: Source, head: Head) -> None:
        self.ctx = ctx
        self.repo = ctx.ports.repo
        self.options = options
        self.source = source
        self.head = head
        self.root = head.root
        self.files = files_to_track(ctx, source)
        self.images = exact_images(ctx)

    def run(self) -> GitRecord:
        tag, branch, remote = self._tag_name(), self._branch(), self.options.remote
        url = self._require_remote(remote) if remote else None
        commit, created = self._commit(branch)
        pushed = False
        offered = branch != self.head.branch or not self.options.pull_request
        if remote and branch and offered and self._is_missing(commit, branch, remote):
            commit, pushed = self._push(commit, branch, remote), True
        elif created and self.source.managed and self.source.root == self.root:
            self.ctx.notice(
                "the commit is only in dockcycle's own checkout, and the next run drops it",
                level="warning", hint="Set `push: origin` of `track`.",
            )  # fmt: skip
        if tag is not None:
            self._tag(tag, str(self.head.commit) if self.options.pull_request else commit)
        return GitRecord(
            commit=commit, created=created, tag=tag, branch=branch, remote=remote,
            pushed=pushed or bool(tag and remote), url=url,
        )  # fmt: skip

    # what is decided before anything is done

    def _branch(self) -> str | None:
        """Where the commit goes; None for a detached HEAD by itself."""
        if self.options.pull_request:
            if self.repo.has_files(self.root, self.files):
                return self.head.branch  # there is nothing to ask for
            blobs = {path: git_blob(data) for path, data in self.files.items()}
            return f"dockcycle/{self.ctx.project.name}/{fingerprint(blobs)[:8]}"
        branch = self.options.branch or self.head.branch
        if branch is None and self.options.remote:
            raise GitUnusable(
                "no branch is checked out, so there is none to push to",
                hint="Set `branch:` of `track` to the branch that is meant.",
            )
        return branch

    def _require_remote(self, remote: str) -> str:
        url = self.repo.remote_url(self.root, remote)
        if url is None:
            raise GitUnusable(
                f'there is no git remote "{remote}" to push to', hint=f"git remote add {remote} URL"
            )
        return url

    def _tag_name(self) -> str | None:
        pattern = self.options.tag_pattern
        if pattern is None:
            return None
        try:
            return release_tags.render(
                pattern, project=self.ctx.project.name, run=self.ctx.run, source=self.source,
                image=release_tags.image_digits(self.images),
            )  # fmt: skip
        except ValueError as error:
            raise GitUnusable(
                f"no release tag can be made of {pattern}: {error}",
                hint="Change `tag:` of `track`; `true` has a pattern that always works.",
            ) from error

    # commit, push, tag

    def _commit(self, branch: str | None) -> tuple[str, bool]:
        """The commit that has the files, and whether it had to be made."""
        ctx, other = self.ctx, branch if branch != self.head.branch else None
        if not self.files or self.repo.has_files(self.root, self.files, other):
            return self.repo.commit(self.root, other or "HEAD").id, False
        if other is None:
            write_where_untouched(ctx, self.source, self.head, self.files)
        with ctx.journal.effect("commit", f"{self.root} {branch or 'HEAD'}"):
            made = self.repo.commit_files(
                self.root, self.files, branch=other, trailers=self._trailers(),
                message=self.options.message or subject(ctx.project.name, self.files),
            )  # fmt: skip
        for path in made.kept:
            ctx.notice(
                f"{path} has staged changes of yours: they stay staged, and are not in the commit",
                hint=f"git diff --cached -- {path}",
            )
        for path in made.ignored:
            ctx.notice(f"{path} is ignored by git, so it is not committed")
        return made.commit, made.created

    def _trailers(self) -> dict[str, str]:
        told = ", ".join(f"{service} {name}" for service, name in sorted(self.images.items()))
        if len(self.images) == 1:
            (told,) = self.images.values()
        return {RUN_TRAILER: self.ctx.run} | ({IMAGE_TRAILER: told} if told else {})

    def _is_missing(self, commit: str, branch: str, remote: str) -> bool:
        """Does the remote lack a commit of ours? One may be left over from a run that was cut."""
        missing = self.repo.unpushed(self.root, remote, commit=commit, branch=branch)
        foreign = [one for one in missing if RUN_TRAILER not in one.trailers]
        if len(foreign) == len(missing):
            return False
        if foreign:
            count = f"{len(foreign)} commits" if len(foreign) > 1 else "a commit"
            self.ctx.notice(f"{count} of yours that {remote} lacks will be pushed to {branch} too")
        return True

    def _push(self, commit: str, branch: str, remote: str) -> str:
        ctx = self.ctx
        with ctx.journal.effect("push", f"{remote} {branch}"):
            tip = self.repo.push_branch(
                self.root, remote, commit=commit, branch=branch, reapply=True, on_line=ctx.log,
                scope=ctx.scope,
            )  # fmt: skip
        if tip != commit and branch == self.head.branch:
            ctx.notice(
                f"{remote}/{branch} had moved on: the commit was made again on top of it, as "
                f"{tip[:12]}; your branch keeps its own",
                hint=f"git pull --rebase {remote} {branch} brings them together.",
            )
        return tip

    def _tag(self, name: str, commit: str) -> None:
        ctx, repo, remote = self.ctx, self.repo, self.options.remote
        exact = release_tags.is_exact(self.options.tag_pattern or "")
        if not (exact and repo.find_tag(self.root, name)):
            title = f"{ctx.project.name}: {self.source.short} {self.source.subject}"
            lines = [f"{key}: {value}" for key, value in self._trailers().items()]
            with ctx.journal.effect("git-tag", f"{self.root} {name}"):
                repo.tag(self.root, name, commit, "\n".join([title, "", *lines, ""]))
        if remote is not None:
            with ctx.journal.effect("push", f"{remote} {name}"):
                repo.push_tag(self.root, remote, name, on_line=ctx.log, scope=ctx.scope)


def exact_images(ctx: Context) -> dict[str, str]:
    """Service → the exact name of its image, as far as images were made."""
    images = ctx.find(Images)
    return release_tags.image_names(images.services if images else {}, ctx.find(PushedImages))
