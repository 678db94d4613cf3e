"""How each tool puts exactly what its lock file has into a virtual environment.

The tool itself is installed beside that environment, in the build stage, and stays there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.kit.authoring.python.dependencies import Dependencies

VENV = "/venv"
PIP_CACHE = "/root/.cache/pip"
PIP = "pip install --root-user-action=ignore"
INTO_VENV = f"pip --python {VENV}/bin/python install"
"""pip, from outside of an environment that has none of its own."""


@dataclass(frozen=True)
class Recipe:
    tool: str
    """What pip is asked for."""
    install: str
    cache: str
    environment: Mapping[str, str] = field(default_factory=dict)
    makes_venv: bool = False
    """The tool makes the environment itself."""


def recipe(dependencies: Dependencies) -> Recipe | None:
    """None for what pip itself installs."""
    match dependencies.manager:
        case "poetry":
            return _poetry(dependencies)
        case "uv":
            return _uv(dependencies)
        case "pdm":
            return Recipe(
                "pdm>=2.20,<3",
                f"pdm install {'--check ' if dependencies.lock else ''}--prod --no-editable"
                f"{'' if dependencies.needs_code else ' --no-self'}",
                "/root/.cache/pdm",
                {"PDM_CHECK_UPDATE": "false", "PDM_IGNORE_SAVED_PYTHON": "1"},
            )
        case "pipenv":
            how = "--deploy" if dependencies.lock else "--skip-lock"
            return Recipe("pipenv>=2024", f"pipenv install {how}", PIP_CACHE,
                          {"PIPENV_VERBOSITY": "-1"})  # fmt: skip
    return None


def _poetry(dependencies: Dependencies) -> Recipe:
    made_by = dependencies.lock.made_by if dependencies.lock else ""
    major = made_by.partition(".")[0]
    tool = f"poetry>={made_by},<{int(major) + 1}" if major.isdigit() else "poetry>=2,<3"
    root = "" if dependencies.needs_code else " --no-root"
    return Recipe(
        tool, f"poetry install --no-interaction --only=main{root} --compile",
        "/root/.cache/pypoetry",
    )  # fmt: skip


def _uv(dependencies: Dependencies) -> Recipe:
    what = "--no-editable --all-packages" if dependencies.needs_code else "--no-install-project"
    locked = "--locked " if dependencies.lock else ""
    return Recipe(
        "uv>=0.7,<1", f"uv sync {locked}--no-default-groups {what}", "/root/.cache/uv",
        {
            "UV_PROJECT_ENVIRONMENT": VENV, "UV_PYTHON": "/usr/local/bin/python",
            "UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy",
        },
        makes_venv=True,
    )  # fmt: skip
