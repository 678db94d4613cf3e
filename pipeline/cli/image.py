"""``image``: the images of the project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import command, group
from pipeline.cli.keep import tell
from pipeline.cli.options import asked
from pipeline.cli.words import DryRun, Force, Json, Wait, seconds
from pipeline.cli.work import concluded, rendering
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.images import Images
    from pipeline.scope import Scope

image = group("image", "The images of the project.", "dockcycle image ls", "dockcycle image prune")
LIMIT = 1800.0
"""Seconds for moving an image."""
Image = Annotated[
    str | None,
    typer.Argument(metavar="IMAGE", help="Id, name, service or release; else the one built last."),
]
OtherImage = Annotated[
    str | None,
    typer.Option(
        "--image", metavar="IMAGE", help="Id, name, service or release; else the one built last."
    ),
]
Target = Annotated[str, typer.Argument(metavar="NAME", help="Such as docker.io/acme/hello:1.4.")]


@command(image, "ls", "", "dockcycle image ls", "dockcycle image ls --json")
def ls(ctx: typer.Context, as_json: Json = False) -> int:
    """List them, newest first."""
    from pipeline.cli.output import ago, print_json, print_table
    from pipeline.kit.text import human_bytes

    rows = _images(ctx).rows()
    if as_json:
        print_json(rows)
        return Exit.OK
    table = [
        (row.id[7:19], row.service, human_bytes(row.size), ago(row.created),
         " ".join(row.used_by), " ".join(row.tags))
        for row in rows
    ]  # fmt: skip
    columns = ("image", "service", "size", "made", "used by", "names")
    print_table(columns, table, "The project has no image here.")
    return Exit.OK


@command(image, "build", "", "dockcycle image build", "dockcycle image build --force")
def build(ctx: typer.Context, force: Force = False, wait: Wait = None) -> int:
    """Run the stages up to the first one that makes images."""
    from pipeline.app.running import RunOptions, run_pipeline
    from pipeline.artifacts import Images as Made
    from pipeline.planner import Selection

    here = asked(ctx)
    last = next((e.key for e, stage in here.workspace.stages if Made in stage.makes), None)
    if last is None:
        raise UsageError("no stage of the pipeline makes images", hint="`build` is one that does.")
    options = RunOptions(selection=Selection(last=last, force=force), wait=seconds(wait))
    with rendering(here) as renderer:
        result = run_pipeline(here.workspace, options, [renderer])
    return concluded(result, here)


@command(image, "pull", "", "dockcycle image pull", "dockcycle image pull docker.io/acme/hello:1.4")
def pull(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Without one: what is live, by digest.")
    ] = None,
) -> int:
    """Pull what was pushed."""
    from pipeline.cli.output import print_line

    with _moving("pulling") as scope:
        for pulled in _images(ctx).pull(name, tell, scope):
            print_line(pulled.id)
    return Exit.OK


@command(image, "push", "", "dockcycle image push docker.io/acme/hello:hotfix --image r11")
def push(ctx: typer.Context, target: Target, name: OtherImage = None) -> int:
    """Push one under a name."""
    from pipeline.cli.output import print_line

    with _moving("pushing") as scope:
        print_line(_images(ctx).push(target, name, tell, scope))
    return Exit.OK


@command(image, "tag", "", "dockcycle image tag hello:stable --image r11")
def tag(ctx: typer.Context, target: Target, name: OtherImage = None) -> int:
    """Give one another name in the engine."""
    from pipeline.cli.output import print_line

    print_line(_images(ctx).tag(target, name))
    return Exit.OK


@command(image, "rm", "", "dockcycle image rm 4f2c9d1e7a2b")
def remove(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Id, name, release.")],
    force: Annotated[
        bool, typer.Option("--force", help="Even those that a release needs.")
    ] = False,
) -> int:
    """Remove some."""
    from pipeline.cli.output import print_line

    images = _images(ctx)
    for name in names:
        print_line(f"removed {images.remove(name, force=force)}")
    return Exit.OK


@command(
    image, "save", "", "dockcycle image save -o hello.tar", "dockcycle image save r12 -o r12.tar"
)
def save(
    ctx: typer.Context,
    file: Annotated[str, typer.Option("--to", "-o", metavar="FILE", help="The archive.")],
    name: Image = None,
) -> int:
    """Write one into an archive that `docker load` reads too."""
    from pipeline.cli.output import print_line

    with _moving("saving") as scope:
        print_line(f"saved {_images(ctx).save(name, file, scope).id} to {file}")
    return Exit.OK


@command(image, "load", "", "dockcycle image load hello.tar")
def load(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The archive.")],
) -> int:
    """Read an archive."""
    from pipeline.cli.output import print_line

    with _moving("loading") as scope:
        for loaded in _images(ctx).load(file, scope):
            print_line(f"loaded {loaded.id} {' '.join(loaded.tags)}".rstrip())
    return Exit.OK


@command(image, "prune", "", "dockcycle image prune --dry-run")
def prune(ctx: typer.Context, dry_run: DryRun = False) -> int:
    """Remove those that no kept release needs."""
    from pipeline.cli.output import print_line

    images = _images(ctx)
    for gone in images.unused() if dry_run else images.prune():
        print_line(f"{'would remove' if dry_run else 'removed'} {gone.id} {' '.join(gone.tags)}")
    return Exit.OK


@command(image, "commit", "", "dockcycle image commit hello:broken --service web")
def commit(
    ctx: typer.Context,
    target: Target,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="SERVICE", help="Which, if there are several."),
    ] = None,
) -> int:
    """Make one of a container as it is now, to look at it later."""
    from pipeline.cli.output import print_line

    print_line(_images(ctx).commit(target, service).id)
    return Exit.OK


def _images(ctx: typer.Context) -> Images:
    from pipeline.app.images import Images

    return Images(asked(ctx).workspace)


@contextmanager
def _moving(what: str) -> Iterator[Scope]:
    """A scope that Ctrl-C ends."""
    from pipeline.app.signals import signals_to
    from pipeline.scope import Scope

    scope = Scope(LIMIT, what=what)
    with signals_to(scope):
        yield scope
