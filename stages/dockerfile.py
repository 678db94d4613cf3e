"""Stage 2: the Dockerfile that is there, a declared one, or one made from what the code is.

Whatever it is gets linted. Files are written only after all of that has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pipeline.artifacts import Artifact, DockerfileInfo, Dockerfiles, Finding, Source
from pipeline.errors import DockcycleError, Location, StageFailed
from pipeline.events import Level
from pipeline.kit import drafts, places
from pipeline.kit.dockerfile.fix import FIXES
from pipeline.kit.dockerfile.ports import exposed_port
from pipeline.kit.drafts import Draft, Drafts
from pipeline.kit.files import replace_text
from pipeline.kit.hashing import fingerprint, git_blob
from pipeline.kit.linting import LintChoices, Linter, severe
from pipeline.kit.places import Around, Choices
from pipeline.stage import Context, Stage, StageOptions
from stages._dockerfile_lock import complete_lock


class DockerfileOptions(StageOptions, Choices):
    lint: LintChoices = LintChoices()
    write: bool = True
    """Put generated files into the work tree; False builds from memory."""


class DockerfileStage(Stage[DockerfileOptions]):
    name: ClassVar[str] = "dockerfile"
    summary: ClassVar[str] = "Uses, declares or generates the Dockerfile, and lints it"
    Options = DockerfileOptions
    needs = frozenset({Source})
    makes = frozenset({Dockerfiles})
    default_timeout = 120.0

    def run(self, ctx: Context) -> Sequence[Artifact]:
        source = ctx.get(Source)
        drafted = self._drafts(ctx, source)
        made = drafted.once()
        self._explain(ctx, made)
        findings = self._lint(ctx, source, made)
        written = self._write(ctx, made) if self.options.write else ()
        if self.options.write:
            complete_lock(ctx, drafted)
        services = {
            service: self._info(draft, findings[draft])
            for service, draft in drafted.services.items()
        }
        return [Dockerfiles(services=services, written=written)]

    def fingerprint(self, ctx: Context) -> str | None:
        try:
            made = self._drafts(ctx, ctx.get(Source))
        except DockcycleError:
            return None  # let it run, and say what is wrong
        texts = {
            service: (str(draft.path), draft.origin, draft.text, str(draft.ignore_file))
            for service, draft in made.services.items()
        }
        return fingerprint(self.options, texts)

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        (made,) = (artifact for artifact in artifacts if isinstance(artifact, Dockerfiles))
        expected = {info.path: info.text for info in made.services.values()}
        return all(
            drafts.read(Path(path)) == expected.get(path, drafts.IGNORE_TEXT)
            for path in made.written
        )

    # which

    def _drafts(self, ctx: Context, source: Source) -> Drafts:
        """Reads only."""
        around = Around(
            app=Path(source.path), root=Path(source.root), project=ctx.project.name,
            directory=ctx.project.directory, compose=ctx.ports.compose, scope=ctx.scope,
            peers=ctx.peers, variables=ctx.variables, secrets=ctx.secrets.names,
        )  # fmt: skip
        return places.find(self.options, around).drafts()

    # what it says

    def _explain(self, ctx: Context, made: Mapping[Draft, str]) -> None:
        """Every decision as a line of the log; those worth a look as notices too."""
        for draft, service in made.items():
            for reason in draft.reasons:
                ctx.log(str(reason), step=service)
                if reason.doubtful:
                    place = Location(reason.file, reason.line).within(draft.context)
                    where = place if reason.file else None
                    ctx.notice(f"{reason.value}: {reason.because}", rule="detected", where=where)

    # lint

    def _lint(
        self, ctx: Context, source: Source, made: Mapping[Draft, str]
    ) -> dict[Draft, tuple[Finding, ...]]:
        """What there is to say about each.

        Raises:
            StageFailed: some are as severe as the threshold.
        """
        linter = Linter(
            self.options.lint, ctx.ports.shell, ctx.ports.engine, ctx.scope,
            lambda message, hint: ctx.notice(message, hint=hint),
        )  # fmt: skip
        found = {draft: linter.findings(draft, Path(source.root)) for draft in made}
        worst: list[tuple[Location, Finding]] = []
        for draft, findings in found.items():
            bad = severe(findings, self.options.lint)
            for finding in findings:
                where = _where(draft, finding)
                level: Level = "error" if finding in bad else _LEVELS[finding.level]
                ctx.notice(
                    finding.message, level=level, hint=finding.hint, rule=finding.rule, where=where
                )
                if finding in bad:
                    worst.append((where, finding))
        if worst:
            raise _too_bad(worst)
        return found

    # files

    def _write(self, ctx: Context, made: Mapping[Draft, str]) -> tuple[str, ...]:
        """Bring our files to what they should be; all of ours, changed or not."""
        ours = {path: text for draft in made for path, text in draft.files().items()}
        for path, text in ours.items():
            there = drafts.read(path)
            if there == text:
                continue
            with ctx.journal.effect("file", str(path)):
                replace_text(path, text, "Or set `dockerfile: {write: false}`.")
            ctx.notice(f"{'wrote' if there is None else 'brought up to date:'} {path}")
        return tuple(map(str, ours))

    def _info(self, draft: Draft, findings: tuple[Finding, ...]) -> DockerfileInfo:
        ignore_file = draft.ignore_file
        if ignore_file is None and self.options.write:
            ignore_file = draft.context / ".dockerignore"
        return DockerfileInfo(
            path=str(draft.path), context=str(draft.context), origin=draft.origin, text=draft.text,
            blob=git_blob(draft.text), ignore_file=str(ignore_file) if ignore_file else None,
            findings=findings, port=exposed_port(draft.text),
        )  # fmt: skip


_LEVELS: Mapping[str, Level] = {
    "error": "warning", "warning": "warning", "info": "info", "style": "info",
}  # fmt: skip


def _where(draft: Draft, finding: Finding) -> Location:
    return Location(str(draft.path), None if draft.origin == "inline" else finding.line or None)


def _too_bad(worst: Sequence[tuple[Location, Finding]]) -> StageFailed:
    where, first = worst[0]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    rules = ", ".join(dict.fromkeys(finding.rule for _, finding in worst))
    hints = [
        "`dockcycle lint --fix` mends what is mechanical." if first.rule in FIXES else "",
        first.hint or f"If it has to be so: `dockerfile: {{lint: {{ignore: [{rules}]}}}}`.",
    ]
    return StageFailed(
        f"{first.message} [{first.rule}]{more}",
        hint=" ".join(filter(None, hints)),
        detail="\n".join(f"{place}: {f.level} {f.rule}: {f.message}" for place, f in worst),
        where=where,
    )
