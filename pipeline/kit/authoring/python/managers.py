"""How exactly that what a lock file has gets installed.

uv puts it into a virtual environment itself. Of Poetry, PDM and Pipenv all that is needed is that
they say what is in their file: a stage of its own has the tool and writes a requirements file with
hashes, which pip installs where the app runs. No tool is in the image that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.kit.authoring.python.dependencies import Dependencies

VENV = "/venv"
PIP_CACHE = "/root/.cache/pip"
PIP = "pip install --root-user-action=ignore"
INTO_VENV = f"pip --python {VENV}/bin/python install"
"""pip, from outside of an environment that has none of its own."""
EXPORTED = "/requirements.txt"
"""What a tool writes in its stage."""

UV_TOOL = "uv>=0.7,<1"
UV_CACHE = "/root/.cache/uv"
UV_ENVIRONMENT: Mapping[str, str] = {
    "UV_PROJECT_ENVIRONMENT": VENV,
    "UV_PYTHON": "/usr/local/bin/python",
    "UV_COMPILE_BYTECODE": "1",
    "UV_LINK_MODE": "copy",
}
_UNLOCKED_POETRY = (
    "from poetry.core.factory import Factory; "
    "listed = Factory().create_poetry('.').package.requires; "
    "print(*(each.to_pep_508() for each in listed), sep='\\n')"
)


@dataclass(frozen=True)
class Export:
    """A tool that writes ``EXPORTED``."""

    tools: tuple[str, ...]
    """What pip is asked for."""
    commands: tuple[str, ...]


def uv_sync(dependencies: Dependencies) -> str:
    what = "--no-editable --all-packages" if dependencies.needs_code else "--no-install-project"
    return f"uv sync {'--locked ' if dependencies.lock else ''}--no-default-groups {what}"


def export(dependencies: Dependencies) -> Export | None:
    """None where no tool is needed to know what is to be installed."""
    locked = dependencies.lock is not None
    # pip can verify no folder, and then wants no hashes at all.
    plain = dependencies.needs_code
    match dependencies.manager:
        case "poetry" if locked:
            hashes = " --without-hashes" if plain else ""
            made_by = dependencies.lock.made_by if dependencies.lock else ""
            return Export(
                (_poetry(made_by), "poetry-plugin-export>=1.8"),
                (f"poetry export --only=main{hashes} --output={EXPORTED}",),
            )
        case "poetry":
            return Export(("poetry-core>=2,<3",),
                          (f'python -c "{_UNLOCKED_POETRY}" > {EXPORTED}',))  # fmt: skip
        case "pdm":
            hashes = " --without-hashes" if plain else ""
            return Export(
                ("pdm>=2.20,<3",),
                ("pdm lock --check", f"pdm export --prod{hashes} --output={EXPORTED}"),
            )
        case "pipenv":
            hashes = "" if plain else " --hash"
            return Export(
                ("pipenv>=2024",),
                ("pipenv verify" if locked else "pipenv lock",
                 f"pipenv requirements{hashes} > {EXPORTED}"),
            )  # fmt: skip
    return None


def _poetry(made_by: str) -> str:
    """The major version that wrote the lock file, so that it reads it as it was meant."""
    major = made_by.partition(".")[0]
    return f"poetry>={made_by},<{int(major) + 1}" if major.isdigit() else "poetry>=2,<3"
