"""Descriptions in the JSON schema from the docstrings under the fields of the models.

Pydantic can collect them itself, but at import time, by parsing the source of every model; here
the price is paid only when a schema is asked for.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class WithDescriptions(GenerateJsonSchema):
    """Adds the docstring under a field where the field has no description of its own."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of one model."""
        result = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        documented = field_docs(model)
        properties: dict[str, Any] = result.get("properties", {})
        for name, field in model.model_fields.items():
            key = field.alias or name
            if name in documented and key in properties:
                properties[key].setdefault("description", documented[name])
        return result


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Field → the docstring under it, those of base classes included."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            found |= _docs_of(cls)
    return found


def _docs_of(cls: type[BaseModel]) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # made without a source file
        return {}
    definition = ast.parse(source).body[0]
    found: dict[str, str] = {}
    if isinstance(definition, ast.ClassDef):
        for field, after in zip(definition.body, definition.body[1:], strict=False):
            match field, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(inspect.cleandoc(text).split())
    return found
