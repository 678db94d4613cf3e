"""Installing again what package managers installed."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from pipeline.kit.authoring.blocks import comment, run
from pipeline.kit.capture.pip import Site
from pipeline.kit.capture.plan import Plan
from pipeline.kit.dockerfile import model as m

_LISTS = "/mnt"
"""Where a list of packages is while it is read."""


@dataclass(frozen=True)
class Install:
    """``system`` packages come first, then those of ``languages``; ``projects`` are commands that
    need files which have to be copied before. ``texts`` are lists that are written beside the
    Dockerfile: name → text."""

    system: tuple[m.Item, ...]
    languages: tuple[m.Item, ...]
    projects: tuple[str, ...]
    texts: Mapping[str, str]


def install(plan: Plan) -> Install:
    """What the plan names, each in the version that it had."""
    texts: dict[str, str] = {}
    languages: list[m.Item] = []
    for site in plan.sites:
        languages += _python(site, texts)
    if plan.node.programs:
        languages.append(
            run(
                f"npm install --global {shlex.join(plan.node.programs)}",
                "npm cache clean --force",
            )
        )
    return Install(_debian(plan), tuple(languages), tuple(_projects(plan)), texts)


def _debian(plan: Plan) -> tuple[m.Item, ...]:
    named = [*plan.packages, *plan.recommended]
    if not named:
        return ()
    lines = [f"        {name}={plan.versions[name]}" for name in named]
    told = ["As it had them. Where a version is gone from the archive, leave `=VERSION` away."]
    if plan.recommended:
        told.append(f"From {plan.recommended[0]} on they came because others recommend them.")
    return (
        *comment(*told),
        run(
            "apt-get update",
            " \n".join(["apt-get install --yes --no-install-recommends", *lines]),
            "rm -rf /var/lib/apt/lists/*",
        ),
    )


def _python(site: Site, texts: dict[str, str]) -> list[m.Item]:
    mounts: tuple[m.Flag, ...] = ()
    commands = [f"{site.interpreter} -m venv {site.venv}"] if site.venv else []
    if site.removed:
        commands.append(" ".join([site.pip, "uninstall", "--yes", *site.options, *site.removed]))
    if wanted := site.wanted:
        venv = f"-{posixpath.basename(site.venv)}" if site.venv else ""
        name = next(n for n in _names(f"requirements{venv}") if n not in texts)
        texts[name] = "".join(f"{dist.requirement}\n" for dist in wanted)
        # All that they need is in the list too, as it was.
        words = [site.pip, "install", "--no-cache-dir", "--no-deps", *site.options]
        commands.append(" ".join([*words, "--requirement", f"{_LISTS}/{name}"]))
        mounts = (("mount", f"type=bind,source={name},target={_LISTS}/{name}"),)
    return [replace(run(*commands), flags=mounts)] if commands else []


def _names(stem: str) -> Iterator[str]:
    yield f"{stem}.txt"
    yield from (f"{stem}-{number}.txt" for number in count(2))


def _projects(plan: Plan) -> list[str]:
    commands = [
        " ".join(
            [site.pip, "install", "--no-cache-dir", "--no-deps", *site.options,
             *(["--editable"] if dist.editable else []), shlex.quote(dist.local or "")]
        )
        for site in plan.sites
        for dist in site.projects
    ]  # fmt: skip
    commands += [f"{command} {shlex.quote(folder)}" for folder, command in plan.node.apps]
    return commands
