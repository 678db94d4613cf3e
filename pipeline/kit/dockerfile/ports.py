"""The port that a Dockerfile announces."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.parse import parse

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")


def exposed_port(text: str) -> int | None:
    """What the first EXPOSE of the last stage names, variables replaced by their defaults; None for
    none, UDP, or a file that cannot be read."""
    try:
        dockerfile = parse(text)
    except StageFailed:
        return None
    effective = dockerfile.effective()
    values = _values([*dockerfile.instructions, *effective], dockerfile.escape)
    for instruction in effective:
        if isinstance(instruction, m.Expose):
            named = _VARIABLE.sub(
                lambda v: values.get(v[1] or v[2], v[3] or ""), instruction.ports[0]
            )
            match = re.fullmatch(r"(\d{1,5})(?:-\d+)?(?:/tcp)?", named.lower())
            return int(match[1]) if match else None
    return None


def _values(instructions: Iterable[m.Instruction], escape: str) -> dict[str, str]:
    """Variables with a value that the file itself gives; later ones count."""
    return {
        name: words.unquote(word, escape)
        for instruction in instructions
        if isinstance(instruction, m.Arg | m.Env)
        for name, word in instruction.pairs
        if word is not None
    }
