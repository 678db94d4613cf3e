"""From a pipeline file to a ``Pipeline``: read, merge, interpolate, validate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipeline.config import dotenv, yaml_source
from pipeline.config.assignment import apply_set
from pipeline.config.entries import by_stage
from pipeline.config.interpolation import interpolate_tree
from pipeline.config.nodes import MapNode, Node
from pipeline.config.notify import hooks
from pipeline.config.overlay import merge_documents
from pipeline.config.pipeline import Pipeline, Stages
from pipeline.config.secrets import sources
from pipeline.config.serving import serving_engines
from pipeline.config.validation import Checked, Validation, refuse
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit.names import nearest, suggest_project_name

NAMES = ("pipeline.yml", "pipeline.yaml")


def find_file(directory: Path, explicit: Path | None = None) -> Path:
    """The pipeline file of ``directory``, or ``explicit`` (relative to it); absolute.

    Raises:
        UsageError: there is none, or both spellings are there.
    """
    if explicit is not None:
        file = directory / explicit
        if file.is_dir():
            raise UsageError(f"{explicit} is a directory, not a file")
        if not file.exists():
            raise UsageError(
                f"there is no file {explicit}", hint=f"It is looked for in {directory}."
            )
        return file.absolute()
    found = [directory / name for name in NAMES if (directory / name).is_file()]
    if len(found) > 1:
        raise UsageError(
            f"both pipeline.yml and pipeline.yaml are in {directory}",
            hint="Remove one of them, or name one with -f.",
        )
    if not found:
        raise UsageError(
            f"there is no pipeline.yml in {directory}",
            hint="Write one with `dockcycle init`, or name a file with -f.",
        )
    return found[0].absolute()


def load(
    file: Path, *, catalog: Stages, environment: str | None = None, sets: Sequence[str] = (),
    variables: Mapping[str, str],
) -> Pipeline:  # fmt: skip
    """Read and validate ``file`` with its overlay ``environment`` and ``--set`` assignments.

    ``variables`` is the environment; it wins over the ``.env`` file beside ``file``.

    Raises:
        ConfigError: with every mistake that one pass can find.
        UsageError: a file cannot be read, the overlay does not exist, or an assignment is wrong.
    """
    layers = _Layers.read(file.absolute(), environment, sets, variables)
    checked = layers.check(layers.root, catalog).run()
    return layers.pipeline(checked, layers.serving())


def load_head(
    file: Path, *, catalog: Stages, environment: str | None = None, sets: Sequence[str] = (),
    variables: Mapping[str, str],
) -> Pipeline:  # fmt: skip
    """As ``load``, but without the stages and whatever is wrong with them: enough for commands that
    look at what is live, or act on it, and must not be stopped by a mistake in what comes next."""
    layers = _Layers.read(file.absolute(), environment, sets, variables)
    head = layers.check(layers.root.without(("stages",)), catalog).run_head()
    return layers.pipeline(Checked(head, ()), layers.serving())


@dataclass(frozen=True)
class _Layers:
    """A file with everything that lies over it, not yet validated."""

    file: Path
    environment: str
    root: MapNode
    documents: Mapping[str, str]
    variables: Mapping[str, str]

    @classmethod
    def read(
        cls, file: Path, environment: str | None, sets: Sequence[str],
        variables: Mapping[str, str],
    ) -> _Layers:  # fmt: skip
        dotenv_file = file.with_name(".env")
        known = {**dotenv.read(dotenv_file, shown_path(dotenv_file), variables), **variables}
        documents: dict[str, str] = {}
        root = _read(file, documents)
        if environment:
            overlay = _read(_overlay(file, environment), documents, empty=True)
            root = merge_documents(root, overlay, shown_path(file))
        for assignment in sets:
            root = apply_set(root, assignment, shown_path(file))
        return cls(file, environment or "", root, documents, known)

    def check(self, root: MapNode, catalog: Stages) -> Validation:
        values, problems = interpolate_tree(root, self.variables)
        refuse([by_stage(problem, root) for problem in problems])
        return Validation(self.file, shown_path(self.file), catalog, values)

    def serving(self) -> tuple[str, ...]:
        engines, problems = serving_engines(self.root, shown_path(self.file), self.variables)
        refuse(problems)
        return engines

    def pipeline(self, checked: Checked, serving: tuple[str, ...]) -> Pipeline:
        found = sources(checked.head.secrets, self.file.parent)
        return Pipeline(
            name=checked.head.name,
            file=self.file,
            directory=self.file.parent,
            entries=checked.entries,
            secrets=found,
            notify=hooks(checked.head.notify, found, self.file.parent),
            environment=self.environment,
            documents=self.documents,
            variables=self.variables,
            serving=serving,
        )


def shown_path(file: Path) -> str:
    """A file in messages: relative to the working directory when it lies below it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _overlay(file: Path, environment: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", environment):
        raise UsageError(
            f"`{environment}` is no name of an environment",
            hint="Use letters, digits, - and _: `-e prod` reads pipeline.prod.yml.",
        )
    candidates = [file.with_name(f"{file.stem}.{environment}{end}") for end in (".yml", ".yaml")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    there = {
        path.name.removeprefix(f"{file.stem}.").rpartition(".")[0]
        for path in file.parent.glob(f"{file.stem}.*.y*ml")
    }
    near = nearest(environment, there)
    raise UsageError(
        f"there is no {candidates[0].name} beside {shown_path(file)}",
        hint=f"Did you mean `-e {near}`?" if near else "Write it; it may be empty.",
    )


def _read(file: Path, documents: dict[str, str], *, empty: bool = False) -> MapNode:
    shown = shown_path(file)
    documents[file.name], root = yaml_source.read(file, shown)
    if root is None and empty:
        return MapNode({}, {}, Location(shown))
    if not isinstance(root, MapNode):
        _no_mapping(root, Location(shown) if root is None else root.where, file)
    return root


def _no_mapping(root: Node | None, where: Location, file: Path) -> NoReturn:
    name = suggest_project_name(file.parent.name)
    message = "the file is empty" if root is None else "a pipeline file is a mapping of keys"
    raise ConfigError([Problem(message, where, f"The least there must be: `name: {name}`.")])
