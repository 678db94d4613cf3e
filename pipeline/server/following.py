"""Where a project's branches are, and what of that is to be run."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Protocol

from pipeline.errors import DockcycleError, GitUnusable, NotFound
from pipeline.scope import Scope
from pipeline.server.checkout import BRANCHES, TAGS, Fetched
from pipeline.server.config import ServedProject, matches
from pipeline.server.queue import Job, Queue, Seen
from pipeline.server.runs import Result
from pipeline.server.wishes import Wish


class Code(Protocol):
    """The repository; ``Checkout`` is one."""

    def refs(self, scope: Scope) -> dict[str, str]: ...

    def fetch(self, ref: str, commit: str, scope: Scope) -> Fetched: ...

    def fetch_pull(self, commit: str, scope: Scope) -> Fetched: ...

    def changed(self, old: str, new: str) -> list[str] | None: ...

    def is_record(self, commit: str) -> bool: ...

    def kept(self, commits: Collection[str]) -> Fetched | None: ...


class Following:
    """Follows one repository. ``log`` takes lines for people."""

    def __init__(
        self, project: ServedProject, queue: Queue, code: Code, log: Callable[[str], None]
    ) -> None:
        self.trouble = ""
        """Why the repository could not be looked at the last time; empty when it could."""
        self._project, self._queue, self._code, self._log = project, queue, code, log

    def compare(self, scope: Scope) -> None:
        """Make up for pushes that no delivery told of."""
        name = self._project.name
        try:
            there = self._code.refs(scope)
            self.trouble = ""
        except DockcycleError as error:
            self.trouble = error.message
            raise
        known, filters = self._queue.tips(name), self._filters()
        began = self._queue.filters(name) != filters
        for ref, commit in there.items():
            if known.get(ref) == commit:
                continue
            if began and ref not in known and not self._named(ref):
                self._queue.see(name, ref, Seen(commit, commit))  # it was there before us
            else:
                self._queue.put(name, Wish("push", ref, commit))
        if began:
            self._queue.set_filters(name, filters)

    def _filters(self) -> str:
        """What is followed; when that changes, a pattern may have matched for long."""
        return json.dumps([self._project.branches, self._project.tags])

    def _named(self, ref: str) -> bool:
        """Is it a branch that serve.yml names outright, not by a pattern?"""
        return ref.removeprefix(BRANCHES) in self._project.branches

    def fetch(self, job: Job, scope: Scope) -> Fetched:
        """Get what the job's ref is at now, which may be newer than what was asked for."""
        there = self._code.refs(scope)
        ref = job.ref or self._latest(there)
        if ref not in there:
            raise NotFound(f"{ref or 'a branch to build'} is not there any more")
        fetched = self._code.fetch(ref, there[ref], scope)
        self._queue.fix(job.id, ref, fetched.base)
        return fetched

    def trusted(self, scope: Scope) -> Fetched:
        """A pipeline file to go back by: of the branch that was run last, or the one that is here
        if git cannot be used, but never a stranger's."""
        try:
            there = self._code.refs(scope)
            ref = self._latest(there)
            if ref in there:
                return self._code.fetch(ref, there[ref], scope)
        except GitUnusable as error:
            tips = {c for r, c in self._queue.tips(self._project.name).items() if _ours(r)}
            if kept := self._code.kept(tips):
                self._log(f"rolling back with the checkout that is here: {error.message}")
                return kept
            raise
        raise NotFound("there is no branch whose pipeline file could be used")

    def _latest(self, there: dict[str, str]) -> str:
        """The ref that was run last, of those that are there."""
        known = [ref for ref in self._queue.tips(self._project.name) if ref in there]
        return known[-1] if known else next(iter(there), "")

    def nothing_new(self, job: Job, fetched: Fetched) -> Result | None:
        seen = self._queue.seen(self._project.name, job.ref)
        if job.kind != "push" or seen is None:
            return None
        if seen.base == fetched.base:
            return Result("unchanged", "this commit has been run already")
        if self._project.paths and seen.base:
            changed = self._code.changed(seen.base, fetched.base)
            if changed is not None and not any(matches(self._project.paths, p) for p in changed):
                return Result("unchanged", "no file of `paths:` has changed")
        return None


def _ours(ref: str) -> bool:
    """Is it a branch or a tag of the repository itself?"""
    return ref.startswith((BRANCHES, TAGS))
