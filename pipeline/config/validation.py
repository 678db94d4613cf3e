"""The one pass over a merged and interpolated file that finds every mistake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.config.dataflow import check_dataflow
from pipeline.config.entries import RawEntry, raw_entries
from pipeline.config.explain import explain
from pipeline.config.models import ADDRESS_IS_KEY, EntryOptions, PipelineFile
from pipeline.config.nodes import MapNode, Node, ScalarNode, to_data
from pipeline.config.notify import check_secrets
from pipeline.config.pipeline import Entry, FoundStage, Stages
from pipeline.config.secrets import check_references, take_literals
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit.names import suggest_project_name
from pipeline.stage import StageOptions

M = TypeVar("M", bound=BaseModel)
ENTRY_KEYS = frozenset(EntryOptions.model_fields)


def refuse(problems: Sequence[Problem]) -> None:
    """Raise ``ConfigError`` with ``problems`` in the order of the file, if there are any."""
    if problems:
        raise ConfigError(sorted(problems, key=_place))


def _place(problem: Problem) -> tuple[str, int, int]:
    where = problem.where
    return where.file, where.line or 0, where.column or 0


@dataclass(frozen=True)
class Checked:
    """A file without mistakes. ``head`` is all but its stages."""

    head: PipelineFile
    entries: tuple[Entry, ...]


class Validation:
    """Collects problems instead of stopping at the first; used once."""

    def __init__(self, file: Path, shown: str, catalog: Stages, root: MapNode) -> None:
        self._file = file
        self._shown = shown
        self._catalog = catalog
        self._root = _without_extensions(root)
        secrets = self._root.items.get("secrets")
        self._secrets = tuple(secrets.items) if isinstance(secrets, MapNode) else ()
        self._problems: list[Problem] = []

    def run(self) -> Checked:
        """The content of the file.

        Raises:
            ConfigError: with every mistake.
        """
        head = self._head()
        entries = self._entries()
        return Checked(self._sound(head), entries)

    def run_head(self) -> PipelineFile:
        """All but the stages.

        Raises:
            ConfigError: with every mistake in that.
        """
        return self._sound(self._head())

    def _sound(self, head: PipelineFile | None) -> PipelineFile:
        refuse(self._problems)
        if head is None:
            raise AssertionError("a head that is not valid has problems")
        return head

    def _head(self) -> PipelineFile | None:
        head, literals = take_literals(self._root.without(("stages",)))
        self._problems += literals
        found, problems = _validate(PipelineFile, head, "")
        self._problems += [self._with_better_hint(problem) for problem in problems]
        self._problems += check_secrets(self._root, self._secrets)
        return found

    def _with_better_hint(self, problem: Problem) -> Problem:
        """Hints that only make sense at the top of a file; and no line that holds a secret."""
        key = problem.where.key
        if ADDRESS_IS_KEY in problem.message:  # a line is quoted where it is shown
            return Problem(
                f"line {problem.where.line}: {problem.message}",
                Location(problem.where.file, key=key),
                "Declare it under `secrets:`, and write `webhook: {secret: NAME}`.",
            )
        if problem.message.startswith("unknown key") and key in self._catalog.names():
            return replace(problem, hint=f"It is a stage: put `- {key}: …` under `stages:`.")
        if key == "name" and key not in self._root.items:
            name = suggest_project_name(self._file.parent.name)
            return replace(problem, hint=f"Add `name: {name}`.")
        return problem

    def _entries(self) -> tuple[Entry, ...]:
        raw, problems = raw_entries(self._root.items.get("stages"), self._shown)
        entries = [entry for one in raw if (entry := self._entry(one)) is not None]
        if len(entries) == len(raw) and not problems:
            self._problems += check_dataflow(entries, self._catalog.makers)
        self._problems += problems
        return tuple(entries)

    def _entry(self, raw: RawEntry) -> Entry | None:
        prefix = f"stages.{raw.key}"
        given = _without_extensions(raw.options)
        self._problems += check_references(given, prefix, self._secrets)
        others = given.items.keys() - ENTRY_KEYS
        common, problems = _validate(EntryOptions, given.without(others), prefix)
        self._problems += problems
        found = self._find(raw, prefix)
        if found is None:
            return None
        model: type[StageOptions] = found.stage_class.Options
        options, problems = _validate(model, given.without(ENTRY_KEYS), prefix, ENTRY_KEYS)
        self._problems += problems
        if common is None or options is None:
            return None
        return Entry(
            key=raw.key, uses=common.uses or raw.kind, origin=found.origin, version=found.version,
            stage_class=found.stage_class, options=options, when=common.condition,
            timeout=common.timeout, retries=common.retries, allow_failure=common.allow_failure,
            where=replace(raw.where, key=prefix),
        )  # fmt: skip

    def _find(self, raw: RawEntry, prefix: str) -> FoundStage | None:
        uses, where = raw.kind, replace(raw.where, key=prefix)
        named = raw.options.items.get("uses")
        if named is not None and not isinstance(named, ScalarNode):
            return None  # told already: it must be text
        if named is not None and named.value is not None:
            uses, where = named.text, replace(named.where, key=f"{prefix}.uses")
        try:
            return self._catalog.find(uses, self._file.parent)
        except UsageError as error:
            self._problems.append(Problem(error.message, where, error.hint))
            return None


def _without_extensions(node: MapNode) -> MapNode:
    return node.without(key for key in node.items if key.startswith("x-"))


def _validate(
    model: type[M], node: Node, prefix: str, more_keys: Iterable[str] = ()
) -> tuple[M | None, list[Problem]]:
    data: Any = to_data(node)
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, explain(error, model, node, prefix, more_keys)
