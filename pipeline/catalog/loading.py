"""Stage classes out of modules and files of others, checked before they are used."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.artifacts import Artifact
from pipeline.errors import UsageError
from pipeline.kit.names import did_you_mean
from pipeline.stage import Stage, StageOptions

ENTRY_KEYS = frozenset({"name", "uses", "when", "timeout", "retries", "allow_failure"})
"""Keys that belong to every entry of a pipeline file, so no stage's options may use them."""

_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class CatalogError(UsageError):
    """A stage cannot be had: unknown, doubly registered, not loadable, or no stage at all."""


@dataclass(frozen=True)
class Found:
    """A stage class that can be used."""

    stage_class: type[Stage[Any]]
    origin: str
    """``dockcycle 0.1.0``, ``./ci/scan.py`` or ``module acme.stages``."""
    version: str
    """Changes when the code does: distribution and version, or a hash of the file."""


def broken(what: str, error: BaseException) -> CatalogError:
    """The error for code of others that fails while it is loaded."""
    where = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "importlib" not in file and Path(file).parent != Path(__file__).parent:
            where = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        where = ""
    return CatalogError(
        f"{what} cannot be loaded: {type(error).__name__}: {error}{where}",
        hint="Install the package that is missing."
        if isinstance(error, ModuleNotFoundError)
        else "",
    )


def from_module(place: str, name: str) -> Found:
    if not _MODULE.fullmatch(place):
        raise CatalogError(
            f"`{place}` is no name of a module", hint="Write `module:Class` or `./path.py:Class`."
        )
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise CatalogError(
                f"there is no module `{error.name}` here",
                hint="Install the package that has it, or name a file: `uses: ./ci/scan.py:Scan`.",
            ) from error
        raise broken(f"the module `{place}`", error) from error
    except (Exception, SystemExit) as error:
        raise broken(f"the module `{place}`", error) from error
    stage_class = _member(module, name, f"the module `{place}`")
    return Found(stage_class, f"module {place}", _module_version(module))


def _module_version(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return _digest(Path(file).read_bytes()) if file else module.__name__


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def from_file(place: str, name: str, directory: Path) -> Found:
    path = (directory / place).resolve()
    try:
        code = path.read_bytes()
    except FileNotFoundError:
        raise CatalogError(
            f"there is no file {place}", hint=f"It is looked for in {directory}."
        ) from None
    except OSError as error:
        raise CatalogError(f"{place} cannot be read: {error.strerror}") from error
    try:
        module = _load_file(path, code)
    except (Exception, SystemExit) as error:
        raise broken(place, error) from error
    return Found(_member(module, name, place), place, _digest(code))


class _WithoutCache(importlib.machinery.SourceFileLoader):
    """Leaves no ``__pycache__`` in the user's tree."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def _load_file(path: Path, code: bytes) -> ModuleType:
    """The file as a module of its own name; a changed file is a new module."""
    module_name = f"dockcycle_uses_{_digest(bytes(path) + code)}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    loader = _WithoutCache(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    if spec is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic resolves annotations through it
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _member(module: ModuleType, name: str, what: str) -> type[Stage[Any]]:
    found = getattr(module, name, None)
    if found is None:
        classes = [
            key for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Stage) and value is not Stage
        ]  # fmt: skip
        raise CatalogError(f"{what} has no class `{name}`", hint=did_you_mean(name, classes))
    return checked(found, f"`{name}` of {what}")


def checked(found: Any, what: str) -> type[Stage[Any]]:
    """The class, if it keeps the contract of ``pipeline.stage.Stage``."""
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise CatalogError(
            f"{what} is no stage", hint="A stage is a subclass of `pipeline.stage.Stage`."
        )
    if missing := sorted(found.__abstractmethods__):
        raise CatalogError(f"{what} does not define {', '.join(f'`{m}`' for m in missing)}")
    if not isinstance(getattr(found, "name", None), str):
        raise CatalogError(f"{what} has no `name`", hint='Add `name = "…"` to the class.')
    options: Any = found.Options
    if not (isinstance(options, type) and issubclass(options, StageOptions)):
        raise CatalogError(f"{what}: `Options` must be a subclass of `StageOptions`")
    if clash := ENTRY_KEYS & {f.alias or n for n, f in options.model_fields.items()}:
        names = ", ".join(f"`{key}`" for key in sorted(clash))
        raise CatalogError(f"{what}: {names} cannot be an option: every entry has this key")
    for attribute in ("needs", "wants", "makes"):
        kinds = getattr(found, attribute)
        if not all(isinstance(kind, type) and issubclass(kind, Artifact) for kind in kinds):
            raise CatalogError(f"{what}: `{attribute}` must hold Artifact classes only")
    return found
