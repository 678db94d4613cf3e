"""The Dockerfile that makes a container again, and which of its files that copies."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.kit.authoring import blocks
from pipeline.kit.authoring.blocks import paragraphs, run
from pipeline.kit.capture import leave
from pipeline.kit.capture.copying import FILES, Copying, Group, plain_mode
from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.packages import install
from pipeline.kit.capture.plan import Plan, is_early
from pipeline.kit.capture.snapshot import Entry
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile.render import render

_TOLD = 8
"""Paths that a comment names; the rest is counted."""


@dataclass(frozen=True)
class Recipe:
    """All names are relative to the Dockerfile's folder."""

    dockerfile: str
    texts: Mapping[str, str]
    """What is written beside it: name → text."""
    copied: Mapping[str, list[str]]
    """Path in the container → names that its content gets."""
    executable: frozenset[str]


def recipe(evidence: Evidence, plan: Plan) -> Recipe:
    """What ``plan`` says, as a Dockerfile."""
    early = {p: e for p, e in plan.entries.items() if is_early(p)}
    late = {p: e for p, e in plan.entries.items() if not is_early(p)}
    first = Copying(evidence, early, {}, plan.there)
    rest = Copying(evidence, late, plan.tuned, plan.there)
    installed = install(plan)
    items = paragraphs(
        _head(evidence, plan),
        [m.From(plan.base)],
        [*_copies(first), *_finished(first, _taken_up(plan))],
        installed.system,
        _accounts(plan),
        _removed(plan),
        installed.languages,
        [*_copies(rest), *_finished(rest, installed.projects)],
        _settings(plan),
    )
    files = {**first.files, **rest.files}
    copied: dict[str, list[str]] = {}
    for path, entry in files.items():
        copied.setdefault(entry.twin or path, []).append(f"{FILES}{path}")
    executable = {f"{FILES}{p}" for p, e in files.items() if plain_mode(e) == 0o755}
    return Recipe(render(m.Dockerfile(items)), installed.texts, copied, frozenset(executable))


def _head(evidence: Evidence, plan: Plan) -> Iterator[m.Item]:
    name = evidence.container.name
    yield from comment(f"Captured by dockcycle from the container {name}. It is yours now.")
    if plan.started.secrets:
        yield from comment(
            "Variables that look like secrets are left out: " + ", ".join(plan.started.secrets)
        )
    if plan.started.unsayable:
        yield from comment(
            f"Left out, a Dockerfile cannot say their values: {', '.join(plan.started.unsayable)}"
        )
    volumes = [mount for mount in evidence.container.mounts if mount.kind != "tmpfs"]
    for mount in volumes:
        yield from comment(f"Not in here: {mount.target}, mounted from {mount.source}")
    for left in plan.left:
        if left.worth_a_look:
            yield from comment(f"Left out, {left.why}: {told(left.paths)}")
    if evidence.image.id == plan.base:
        yield from comment("The image has no name any more: `docker tag` gives it one for FROM.")


def comment(text: str) -> list[m.Item]:
    """Names come from the container: whatever they are, it stays one line."""
    return blocks.comment("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def told(paths: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    found = list(paths)
    more = len(found) - _TOLD
    return ", ".join(found[:_TOLD]) + (f" and {more} more" if more > 0 else "")


def _taken_up(plan: Plan) -> Sequence[str]:
    return ["update-ca-certificates"] if plan.authorities else []


def _accounts(plan: Plan) -> list[m.Item]:
    made = plan.accounts
    items: list[m.Item] = []
    if made.passwords:
        items += comment(f"Without the password that it has there: {', '.join(made.passwords)}")
    return [*items, *([run(*made.commands)] if made.commands else [])]


def _removed(plan: Plan) -> list[m.Item]:
    """Before anything is copied: what was taken away may have come back in another form."""
    commands = []
    if plan.purged:
        commands.append(_several("apt-get purge --yes", plan.purged))
    if plan.removed:
        commands.append(_several("rm -rf", map(shlex.quote, plan.removed)))
    return [run(*commands)] if commands else []


def _copies(copying: Copying) -> list[m.Item]:
    return [_copy(group) for group in copying.groups()]


def _copy(group: Group) -> m.Item:
    sources = [f"{FILES}{path}" for path in group.files] or [f"{FILES}{group.folder}/"]
    folder = group.folder.rstrip("/") + "/"
    flags = (("chown", group.owner),) if group.owner else ()
    if len(sources) == 1 and group.files:
        folder = posixpath.join(folder, posixpath.basename(sources[0]))
    return m.Copy(tuple(map(_literal, sources)), folder.replace("$", "\\$"), flags=flags)


def _literal(source: str) -> str:
    """A path that the builder reads as no pattern and no variable."""
    return re.sub(r"[*?\[]", r"[\g<0>]", source).replace("$", "\\$")


def _finished(copying: Copying, more: Sequence[str]) -> list[m.Item]:
    """All that COPY cannot do, and what needs the files."""
    commands = [*_folders(copying), *_access(copying), *more]
    return [run(*commands)] if commands else []


def _folders(copying: Copying) -> list[str]:
    """What COPY does not bring: empty folders and symbolic links."""
    commands = []
    if empty := copying.empty_folders:
        commands.append(_several("mkdir -p", map(shlex.quote, empty)))
    links = copying.links
    here = {folder for folder in map(posixpath.dirname, links) if folder not in copying.there}
    if here := here - {posixpath.dirname(path) for path in copying.files}:
        commands.append(_several("mkdir -p", map(shlex.quote, sorted(here))))
    commands += [f"ln -sfn {shlex.quote(to)} {shlex.quote(path)}" for path, to in links.items()]
    return commands


def _access(copying: Copying) -> list[str]:
    access = copying.access()
    commands = [
        _several(f"chown {option}{owner}", map(shlex.quote, chosen))
        for owner, paths in access.owners.items()
        for option, chosen in _whole_folders(copying.evidence, paths, owner)
    ]
    commands += [
        _several(f"chmod {mode:04o}", map(shlex.quote, paths))
        for mode, paths in access.modes.items()
    ]
    return commands


def _whole_folders(
    evidence: Evidence, paths: tuple[str, ...], owner: str
) -> Iterator[tuple[str, list[str]]]:
    """``--recursive`` for folders all of which is somebody's, and the paths that are left."""
    entries = evidence.now.entries
    below: dict[str, list[Entry]] = {
        path: [e for p, e in entries.items() if p.startswith(f"{path}/")]
        for path in paths
        if entries[path].kind == "folder"
    }
    whole = [
        path
        for path, inner in below.items()
        if inner and all((evidence.owner(e) or "root:root") == owner for e in inner)
    ]
    tops = [path for path in whole if not any(p in whole for p in leave.above(path))]
    rest = [path for path in paths if not leave.is_below(path, tops)]
    yield from [(option, some) for option, some in (("--recursive ", tops), ("", rest)) if some]


def _several(command: str, words: Iterable[str]) -> str:
    """One command on many things, one a line when there are several."""
    found = list(words)
    if len(found) == 1:
        return f"{command} {found[0]}"
    return " \n        ".join([command, *found])


def _settings(plan: Plan) -> list[m.Item]:
    started = plan.started
    items: list[m.Item] = [i for i in started.instructions if not isinstance(i, m.Cmd)]
    if started.serves is not None:
        items += comment("It was started by hand; here it is what the container is for.")
        if started.serves.may_leave:
            items += comment("If it goes to the background, tell it to stay in the foreground.")
    for process in started.beside:
        items += comment(
            f"It also ran `{shlex.join(process.argv)}`: one container starts one program."
        )
    if started.idle:
        items += comment("It was kept open by a shell: say here what it is to run.")
    return [*items, *(i for i in started.instructions if isinstance(i, m.Cmd))]
