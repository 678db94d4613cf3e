"""``init``, ``validate``, ``schema``, ``stages`` and ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import START, app, command
from pipeline.cli.options import asked
from pipeline.cli.words import Json
from pipeline.errors import ConfigError, Exit, UsageError

SCHEMAS = ("pipeline", "serve")

if TYPE_CHECKING:
    from pipeline.app.workspace import Workspace
    from pipeline.errors import Problem
    from pipeline.kit.authoring import Reason


@command(app, "init", START, "dockcycle init", "dockcycle init --name hello --github")
def init(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the project; by default the folder's."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="DIR", help="Folder of the app, if it is not this one."),
    ] = None,
    github: Annotated[bool, typer.Option("--github", help="Also write a GitHub workflow.")] = False,
    action: Annotated[
        str | None,
        typer.Option("--action", metavar="OWNER/REPO@REF", help="Where it finds the action."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
) -> int:
    """Write a first pipeline.yml, and a Dockerfile where there is none."""
    from pipeline.app.scaffold import scaffold, write
    from pipeline.cli.output import print_line

    workspace = asked(ctx).workspace
    folder = workspace.request.directory
    made = scaffold(folder, name, path=path)
    files = {**made.files, **(_workflow(workspace, action) if github or action else {})}
    for written in write(folder, files, force=force):
        print_line(f"{written.what:<9} {written.path}")
    _explain(made.reasons)
    print_line("Next: look at pipeline.yml, then `dockcycle run`.")
    print_line("Commit what was written: it belongs to the code.")
    return Exit.OK


def _workflow(workspace: Workspace, action: str | None) -> dict[str, str]:
    """Path → text, for the repository that the folder is in."""
    from pipeline.app import github_workflow

    repo, folder = workspace.ports.repo, str(workspace.request.directory)
    head = repo.head(folder)
    remote = repo.remote_url(head.root, "origin") if head else None
    return {
        github_workflow.PATH: github_workflow.workflow(remote, action or github_workflow.ACTION)
    }


def _explain(reasons: tuple[Reason, ...]) -> None:
    """Why the Dockerfile is what it is."""
    from pipeline.cli.output import print_line

    for reason in reasons:
        print_line(f"  {'? ' if reason.doubtful else '  '}{reason}")


@command(app, "validate", START, "dockcycle validate", "dockcycle validate -e production --json")
def validate(ctx: typer.Context, as_json: Json = False) -> int:
    """Check the pipeline file, and tell every mistake in it."""
    from pipeline.cli.output import print_json, print_line

    workspace = asked(ctx).workspace
    try:
        pipeline = workspace.pipeline
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"valid": False, "problems": [_problem(p) for p in error.problems]})
        return Exit.USAGE
    keys = [entry.key for entry in pipeline.entries]
    if as_json:
        print_json({"valid": True, "project": pipeline.name, "stages": keys})
    else:
        print_line(f"{pipeline.file.name} is valid: {pipeline.name} ({', '.join(keys)})")
    return Exit.OK


def _problem(problem: Problem) -> dict[str, object]:
    where = problem.where
    return {"message": problem.message, "hint": problem.hint, "file": where.file,
            "line": where.line, "column": where.column, "key": where.key}  # fmt: skip


@command(
    app, "schema", START, "dockcycle schema > pipeline.schema.json",
    "dockcycle schema serve > serve.schema.json",
)  # fmt: skip
def schema(
    ctx: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="[WHAT]", help="pipeline (the default) or serve.")
    ] = "pipeline",
) -> int:
    """Print the JSON schema of pipeline files or of serve.yml, for editors."""
    from pipeline.cli.output import print_json
    from pipeline.config.json_schema import plain_schema
    from pipeline.config.json_schema import schema as make

    if what == "serve":
        from pipeline.server.config import ServeFile

        print_json(plain_schema(ServeFile, "dockcycle serve"))
    elif what == "pipeline":
        print_json(make(asked(ctx).workspace.catalog))
    else:
        from pipeline.kit.names import did_you_mean

        raise UsageError(f"there is no schema of {what}", hint=did_you_mean(what, SCHEMAS))
    return Exit.OK


@command(app, "stages", START, "dockcycle stages", "dockcycle stages --json")
def stages(ctx: typer.Context, as_json: Json = False) -> int:
    """List the stages that there are, each with its origin."""
    from pipeline.cli.output import print_json, print_table

    found = asked(ctx).workspace.catalog.list()
    if as_json:
        print_json(found)
        return Exit.OK
    rows = [
        (stage.name, stage.origin, " ".join(stage.needs), " ".join(stage.makes),
         f"cannot be loaded: {stage.error}" if stage.error else stage.summary)
        for stage in found
    ]  # fmt: skip
    print_table(("stage", "from", "needs", "makes", ""), rows)
    return Exit.OK


@command(app, "doctor", START, "dockcycle doctor", "dockcycle doctor --json")
def doctor(ctx: typer.Context, as_json: Json = False) -> int:
    """Look at everything a run uses, with a remedy for what is wrong.

    Exit code 4 if a run could not work.
    """
    from pipeline.app.doctor import examine
    from pipeline.cli.output import print_json, print_table

    found = list(examine(asked(ctx).workspace))
    if as_json:
        print_json(found)
    else:
        rows = [(d.name, d.state, " ".join(p for p in (d.message, d.remedy and f"→ {d.remedy}")
                                           if p)) for d in found]  # fmt: skip
        print_table(("", "", ""), rows)
    return Exit.UNUSABLE if any(d.state == "failed" for d in found) else Exit.OK
