"""``${VAR}`` and its kin in values, as Compose reads them.

==================  ==========================================================
``${VAR}``          the variable; a mistake when it is not set
``${VAR:-text}``    ``text`` when it is not set or empty
``${VAR-text}``     ``text`` when it is not set
``${VAR:?words}``   a mistake with these words when it is not set or empty
``${VAR?words}``    the same, when it is not set
``${VAR:+text}``    ``text`` when it is set and not empty, else nothing
``${VAR+text}``     ``text`` when it is set, else nothing
``$$``              one ``$``
==================  ==========================================================

``text`` may hold further variables. A ``$`` before anything else stays as it is, so that shell
commands in a file need no escaping except for ``${``. What was interpolated is always text; where
an option wants a number, the text is read as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode, dotted
from pipeline.errors import Problem
from pipeline.kit.names import nearest

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_OPERATOR = re.compile(r":?[-?+]")
_DEEPEST = 16


class InterpolationError(ValueError):
    """A value cannot be interpolated; the hint says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def interpolate(text: str, variables: Mapping[str, str], *, lenient: bool = False) -> str:
    """``text`` with its variables replaced.

    ``lenient`` is the manner of ``.env`` files: ``$VAR`` counts too, and what is not set is empty.

    Raises:
        InterpolationError: a variable is missing, or ``${`` is not closed or holds no name.
    """
    if "$" not in text:
        return text
    result, _ = _Reader(text, variables, lenient).read(0, nested=0)
    return result


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    variables: Mapping[str, str]
    lenient: bool

    def read(self, at: int, *, nested: int, wanted: bool = True) -> tuple[str, int]:
        """From ``at`` to the end of the text, or (``nested``) to the ``}`` that ends it.

        Returns what was read and the position behind it. What is not ``wanted``, such as the
        default of a variable that is set, is only skipped: nothing in it can be missing.
        """
        if nested > _DEEPEST:
            raise InterpolationError("`${` is nested too deeply", "Use fewer defaults in defaults.")
        text, parts = self.text, list[str]()
        while at < len(text):
            if text.startswith("$$", at):
                parts.append("$")
                at += 2
            elif text.startswith("${", at):
                value, at = self._variable(at + 2, nested, wanted)
                parts.append(value)
            elif self.lenient and (bare := _BARE.match(text, at)):
                parts.append(self.variables.get(bare.group(1), ""))
                at = bare.end()
            elif nested and text[at] == "}":
                return "".join(parts), at + 1
            else:
                parts.append(text[at])
                at += 1
        if nested:
            raise InterpolationError("`${` has no closing `}`", "Write `$${` for a literal `${`.")
        return "".join(parts), at

    def _variable(self, at: int, nested: int, wanted: bool) -> tuple[str, int]:
        """The variable whose name begins at ``at``, and the position behind its ``}``."""
        match = _NAME.match(self.text, at)
        if match is None:
            raise InterpolationError(
                "`${` is followed by no name of a variable", "Write `$${` for a literal `${`."
            )
        name, at = match.group(), match.end()
        value = self.variables.get(name)
        if self.text.startswith("}", at):
            if value is None and wanted and not self.lenient:
                raise self._missing(name)
            return value or "", at + 1
        operator = _OPERATOR.match(self.text, at)
        if operator is None:
            raise InterpolationError(
                f"`${{{name}` is followed by neither `}}` nor `:-`",
                f"Write `${{{name}}}` or `${{{name}:-default}}`; `$${{` is a literal `${{`.",
            )
        sign = operator.group()[-1]
        there = value if operator.group().startswith(":") else value is not None
        use_word = bool(there) if sign == "+" else not there
        word, at = self.read(operator.end(), nested=nested + 1, wanted=wanted and use_word)
        if sign == "?":
            if not there and wanted:
                raise self._missing(name, word)
            return value or "", at
        if sign == "+":
            return (word if use_word else ""), at
        return (word if use_word else value or ""), at

    def _missing(self, name: str, words: str = "") -> InterpolationError:
        near = nearest(name, self.variables)
        also = f" Did you mean `{near}`?" if near else ""
        return InterpolationError(
            f"the variable {name} is not set{f': {words}' if words else ''}",
            f"Set it, put it into .env, or give a default: `${{{name}:-…}}`.{also}",
        )


def interpolate_tree(root: MapNode, variables: Mapping[str, str]) -> tuple[MapNode, list[Problem]]:
    """The tree with all values interpolated (keys never are), and what is wrong with them."""
    walk = _Walk(variables, [], {})
    return walk.mapping(root, ""), walk.problems


@dataclass(frozen=True, slots=True)
class _Walk:
    variables: Mapping[str, str]
    problems: list[Problem]
    done: dict[int, Node]
    """By ``id`` of the original, so that what aliases share is done, and complained of, once."""

    def node(self, node: Node, path: str) -> Node:
        if id(node) not in self.done:
            self.done[id(node)] = self._fresh(node, path)
        return self.done[id(node)]

    def _fresh(self, node: Node, path: str) -> Node:
        match node:
            case MapNode():
                return self.mapping(node, path)
            case ListNode():
                parts = (self.node(item, dotted(path, at)) for at, item in enumerate(node.items))
                return ListNode(tuple(parts), node.where)
            case ScalarNode():
                return self._scalar(node, path)

    def mapping(self, node: MapNode, path: str) -> MapNode:
        items = {key: self.node(item, dotted(path, key)) for key, item in node.items.items()}
        return MapNode(items, node.keys, node.where)

    def _scalar(self, node: ScalarNode, path: str) -> ScalarNode:
        if node.literal or "$" not in node.text:
            return node
        try:
            text = interpolate(node.text, self.variables)
        except InterpolationError as error:
            self.problems.append(Problem(str(error), replace(node.where, key=path), error.hint))
            return node
        return node if text == node.text else ScalarNode(text, node.where)
