"""``env_file:``, read by the rules of python-dotenv: quotes, ``export``, comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import ConfigError, Location, Problem


def read(
    paths: Sequence[str], base: Path, variables: Mapping[str, str], key: str = "run.env_file"
) -> dict[str, str]:
    """The variables of all files, later ones over earlier ones; nothing in them is interpolated.

    ``paths`` are relative to ``base``. A name without ``=`` takes its value from ``variables``, and
    is left out when there is none. ``key`` says where in the pipeline file the paths are written.

    Raises:
        ConfigError: a file is missing, cannot be read, or has a line that is no variable.
    """
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name in paths:
        path = base / name
        try:
            with path.open(encoding="utf-8") as stream:
                for binding in parse_stream(stream):
                    where = Location(file=str(path), line=binding.original.line)
                    if binding.error:
                        problems.append(Problem("this is not NAME=value", where))
                    elif binding.key and binding.value is not None:
                        found[binding.key] = binding.value
                    elif binding.key and binding.key in variables:
                        found[binding.key] = variables[binding.key]
        except FileNotFoundError:
            problems.append(Problem("there is no such file", Location(file=str(path), key=key)))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(f"cannot be read: {error}", Location(file=str(path), key=key)))
    if problems:
        raise ConfigError(problems)
    return found
