"""The lock, where the project has one: made complete before anything is built."""

from __future__ import annotations

from pipeline.errors import EngineUnavailable
from pipeline.kit import lock
from pipeline.kit.building import BuildChoices
from pipeline.kit.drafts import Drafts
from pipeline.kit.lock import Lock
from pipeline.stage import Context


def complete_lock(ctx: Context, drafted: Drafts) -> None:
    """Ask registries for the images that an existing lock lacks, and write them down. What cannot
    be asked for is built as its tag stands, and that is told.

    Raises:
        ConfigError: the lock is none.
        StageFailed: it cannot be written.
    """
    folder = ctx.project.directory
    known = lock.read(folder)
    if known is None:
        return
    missing = [name for name in used(ctx, drafted) if known.digest(name) is None]
    ports = ctx.ports
    try:
        answers = list(lock.ask(missing, known, ports.engine, ports.credentials, ctx.scope))
    except EngineUnavailable as error:
        ctx.notice(f"{lock.FILE} lacks {', '.join(missing)}: {error.message}", level="warning")
        return
    for answer in answers:
        if answer.error is not None and not answer.local:
            ctx.notice(
                f"{answer.name} is not in {lock.FILE}, and is taken as its tag stands: "
                f"{answer.error.message}",
                level="warning", hint="`dockcycle update` asks for it again.",
            )  # fmt: skip
    new = {answer.name: answer.now for answer in answers if answer.now is not None}
    if new:
        with ctx.journal.effect("file", str(folder / lock.FILE)):
            lock.write(folder, Lock({**known.images, **new}))
        ctx.notice(f"added {', '.join(new)} to {lock.FILE}")


def used(ctx: Context, drafted: Drafts) -> list[str]:
    """Names of the images that the builds of this pipeline take from registries."""
    texts = {service: draft.text for service, draft in drafted.services.items()}
    options: object = ctx.peers.get("build")
    choices = options if isinstance(options, BuildChoices) else BuildChoices()
    return list(lock.names(texts, drafted.specs, drafted.pulls, choices))
