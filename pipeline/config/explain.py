"""Mistakes in options, found by pydantic, in plain words and at their place in the file.

Pydantic reports every alternative of a union that a value fails, with the alternatives' names in
the path. Here the alternative that was most probably meant is picked and only its mistakes shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from pipeline.config.nodes import ListNode, MapNode, Node, dotted, locate
from pipeline.errors import Problem
from pipeline.kit.names import did_you_mean
from pipeline.kit.text import show_value

Step = str | int


@dataclass(frozen=True, slots=True)
class _Fault:
    """One of pydantic's errors. ``real[i]`` tells whether ``loc[i]`` is a step in the file; if
    not, it is the name of a union's alternative."""

    loc: tuple[Step, ...]
    real: tuple[bool, ...]
    kind: str
    input: Any
    context: dict[str, Any]
    text: str
    alternatives: tuple[str, ...] = ()
    """What the value may be, when it failed every alternative of a union by its type."""

    @property
    def path(self) -> tuple[Step, ...]:
        return tuple(step for step, real in zip(self.loc, self.real, strict=True) if real)


def explain(
    error: ValidationError, model: type[BaseModel], node: Node, prefix: str = "",
    more_keys: Iterable[str] = (),
) -> list[Problem]:  # fmt: skip
    """The problems behind ``error``, in the order of the file.

    ``node`` is the tree that was validated, ``prefix`` its dotted path, and ``more_keys`` are
    known beside the fields of ``model`` at the top.
    """
    faults = [
        _fault(details, node)
        for details in error.errors(include_url=False)
        if not _only_items_failed(details)
    ]
    return [_problem(f, model, node, prefix, more_keys) for f in _probable(faults, 0)]


def _only_items_failed(details: Any) -> bool:
    """Pydantic counts items that failed as missing; those have errors of their own."""
    if details["type"] != "too_short":
        return False
    return len(details["input"]) >= int(details["ctx"]["min_length"])


def _fault(details: Any, node: Node) -> _Fault:
    loc = tuple(step for step in details["loc"] if step != "[key]")
    if details["type"] in ("missing", "extra_forbidden"):  # these end in a key of a mapping
        real = (*(_align(loc[:-1], node, to_mapping=True) or (False,) * (len(loc) - 1)), True)
    else:
        real = _align(loc, node) or ()
    context = details.get("ctx", {})
    return _Fault(loc, real, details["type"], details["input"], context, details["msg"])


def _align(loc: Sequence[Step], node: Node, *, to_mapping: bool = False) -> tuple[bool, ...] | None:
    """Which steps of ``loc`` lead through the tree: the reading with the most that do, since an
    alternative may be called like a key. None: no reading leads ``to_mapping``."""
    if not loc:
        return None if to_mapping and not isinstance(node, MapNode) else ()
    step, child = loc[0], None
    if isinstance(node, MapNode):
        child = node.items.get(str(step))
    elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
        child = node.items[step]
    readings = []
    if child and (rest := _align(loc[1:], child, to_mapping=to_mapping)) is not None:
        readings.append((True, *rest))
    if (rest := _align(loc[1:], node, to_mapping=to_mapping)) is not None:
        readings.append((False, *rest))
    return max(readings, key=sum, default=None)


def _probable(faults: Sequence[_Fault], depth: int) -> list[_Fault]:
    """Of faults that agree on their first ``depth`` steps: those worth telling."""
    kept: list[_Fault] = []
    steps: dict[Step, list[_Fault]] = {}
    alternatives: dict[Step, list[_Fault]] = {}
    for fault in faults:
        if len(fault.loc) <= depth:
            kept.append(fault)
        else:
            group = steps if fault.real[depth] else alternatives
            group.setdefault(fault.loc[depth], []).append(fault)
    for group_faults in steps.values():
        kept += _probable(group_faults, depth + 1)
    return kept + _best_alternative(list(alternatives.values()), depth + 1)


def _best_alternative(groups: Sequence[Sequence[_Fault]], depth: int) -> list[_Fault]:
    if not groups:
        return []
    probable = [_probable(group, depth) for group in groups]
    fitting = [group for group in probable if not any(_misfit(fault, depth) for fault in group)]
    if fitting:
        return min(fitting, key=len)
    misfits = [fault for group in probable for fault in group if _misfit(fault, depth)]
    words = [word for fault in misfits for word in (fault.alternatives or (_expected(fault),))]
    return [replace(misfits[0], alternatives=tuple(dict.fromkeys(words)))]


def _misfit(fault: _Fault, depth: int) -> bool:
    """Is the value at ``depth`` of a wrong type altogether?"""
    if len(fault.loc) > depth:
        return False
    if fault.kind == "literal_error":
        return isinstance(fault.input, (dict, list)) or fault.input is None
    return fault.kind in _EXPECTED or bool(fault.alternatives)


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "list_type": "a list", "tuple_type": "a list", "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping", "mapping_type": "a mapping", "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "nothing",
}  # fmt: skip


def _choices(fault: _Fault) -> list[str]:
    """Of a literal or enumeration: what may stand there."""
    expected = fault.context.get("expected", "")
    return [text or number for text, number in re.findall(r"'([^']*)'|(-?\b[0-9]+)", expected)]


def _expected(fault: _Fault) -> str:
    if fault.kind in _EXPECTED:
        return _EXPECTED[fault.kind]
    return " or ".join(f"`{choice}`" for choice in _choices(fault))


def _problem(
    fault: _Fault, model: type[BaseModel], node: Node, prefix: str, more_keys: Iterable[str]
) -> Problem:
    path = fault.path
    where = locate(node, path, key=fault.kind == "extra_forbidden")
    shown = prefix
    for step in path:
        shown = dotted(shown, step)
    subject = re.sub(r"^.*\.", "", shown)
    message, hint = _words(fault, f"`{subject}`" if subject else "the file")
    if fault.kind == "extra_forbidden":
        known = _known_keys(model, fault) | (set(more_keys) if len(path) == 1 else set())
        hint = did_you_mean(str(path[-1]), known - {str(path[-1])})
    return Problem(message, replace(where, key=shown), hint)


def _words(fault: _Fault, subject: str) -> tuple[str, str]:
    """Message and hint."""
    given = show_value(fault.input)
    if fault.alternatives:
        return f"{subject} must be {' or '.join(fault.alternatives)}, not {given}", ""
    if fault.kind in _EXPECTED:
        return f"{subject} must be {_EXPECTED[fault.kind]}, not {given}", _spelling(fault, given)
    if fault.kind in ("literal_error", "enum"):
        choices = _choices(fault)
        if len(choices) == 1:
            return f"{subject} must be {choices[0]}, not {given}", ""
        return f"{subject} cannot be {given}", did_you_mean(str(fault.input), choices)
    if fault.kind in _WORDS:
        if fault.context.get("min_length") == 1:
            return f"{subject} must not be empty", ""
        return f"{subject} {_WORDS[fault.kind].format(given=given, **fault.context)}", ""
    if fault.kind == "extra_forbidden":
        return f"unknown key {subject}", ""
    text = str(fault.context.get("error") or fault.text)
    return re.sub(r"^Input should be", f"{subject} must be", text), ""


def _spelling(fault: _Fault, given: str) -> str:
    """How to write it: text that looks like a number in quotes, a single item in brackets."""
    if fault.kind == "string_type" and isinstance(fault.input, (bool, int, float)):
        return f'Put it in quotes: "{given}".'
    if _EXPECTED[fault.kind] == "a list" and isinstance(fault.input, (str, int, float)):
        return f"Write it as `[{given}]`."
    return ""


_WORDS = {
    "missing": "is missing",
    "greater_than": "must be more than {gt}, not {given}",
    "greater_than_equal": "must be at least {ge}, not {given}",
    "less_than": "must be less than {lt}, not {given}",
    "less_than_equal": "must be at most {le}, not {given}",
    "finite_number": "must be a finite number, not {given}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "is {given}, which does not match {pattern}",
    "too_short": "must have at least {min_length} in it",
    "too_long": "must have at most {max_length} in it",
}


def _known_keys(model: type[BaseModel], fault: _Fault) -> set[str]:
    """The keys that may stand where ``fault`` found an unknown one."""
    models = {model}
    for step, real in zip(fault.loc[:-1], fault.real[:-1], strict=True):
        if not real:
            # Alternatives are named after their class, or after the key that tells them apart.
            named = {known for known in models if known.__name__ == step}
            models = named or {known for known in models if step in _names(known)} or models
        elif isinstance(step, str):
            annotations = [known.model_fields[name].annotation for known in models
                           for name in _names(known).get(step, ())]  # fmt: skip
            models = {inner for one in annotations for inner in models_in(one)} or models
    return {key for known in models for key in _names(known)}


def _names(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Key in the file → field."""
    return {field.alias or name: (name,) for name, field in model.model_fields.items()}


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """The models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in models_in(part)}
