"""The JSON schema of a pipeline file (draft 2020-12), from the models that validate it.

It is for editors: entries as words or single-key mappings, docstrings of fields as descriptions,
and ``${VAR}`` wherever a number, a boolean or a choice may stand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipeline.config.descriptions import WithDescriptions
from pipeline.config.entries import KEY_RULE
from pipeline.config.models import EntryOptions, PipelineFile
from pipeline.config.pipeline import Stages
from pipeline.errors import UsageError

Json = dict[str, Any]
_REF = "#/$defs/"
_EXTENSIONS: Json = {"^x-": {"description": "Ignored; a place for anchors and notes."}}
_INTERPOLATED: Json = {"type": "string", "pattern": r"\$\{[A-Za-z_]"}


def schema(catalog: Stages) -> Json:
    """The schema for files that use the stages of ``catalog``; a stage that cannot be loaded may
    have any options.

    Raises:
        UsageError: two distributions register the same stage.
    """
    stages = _loadable(catalog)
    models: set[type[BaseModel]] = {
        PipelineFile,
        EntryOptions,
        *(one for one, _ in stages.values()),
    }
    refs, generated = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__qualname__)],
        schema_generator=WithDescriptions,
        ref_template=f"{_REF}{{model}}",
    )
    definitions: Json = {name: _relaxed(body) for name, body in generated["$defs"].items()}

    def body(model: type[BaseModel]) -> Json:
        found: Json = definitions[refs[model, "validation"]["$ref"].removeprefix(_REF)]
        return found

    file, entry = body(PipelineFile), body(EntryOptions)
    bodies = {name: _stage(body(one), entry, summary) for name, (one, summary) in stages.items()}
    definitions |= {f"stage-{name}": one for name, one in bodies.items()}
    definitions["stage-custom"] = _custom(entry)
    definitions["interpolated"] = _INTERPOLATED
    file["properties"]["stages"] |= {"type": "array", "minItems": 1, "items": _item(
        catalog.names(), definitions
    )}  # fmt: skip
    file["properties"]["stages"].pop("default", None)
    file["properties"]["secrets"]["additionalProperties"] = False
    return _pruned(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "dockcycle pipeline",
            **file,
            "patternProperties": _EXTENSIONS,
            "$defs": dict(sorted(definitions.items())),
        }
    )


def plain_schema(model: type[BaseModel], title: str) -> Json:
    """The schema of a file that ``model`` validates, without stages in it."""
    made = _relaxed(model.model_json_schema(schema_generator=WithDescriptions))
    definitions: Json = {name: _relaxed(body) for name, body in made.pop("$defs", {}).items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **made,
        "patternProperties": _EXTENSIONS,
        "$defs": dict(sorted((definitions | {"interpolated": _INTERPOLATED}).items())),
    }


def _pruned(schema: Json) -> Json:
    """Without definitions that nothing refers to, such as models that were merged into others."""
    text = json.dumps(schema)
    used = {name: body for name, body in schema["$defs"].items() if f'"{_REF}{name}"' in text}
    return {**schema, "$defs": used}


def _loadable(catalog: Stages) -> dict[str, tuple[type[BaseModel], str]]:
    """Name → options and summary, of the stages that can be loaded."""
    found: dict[str, tuple[type[BaseModel], str]] = {}
    for name in catalog.names():
        try:
            stage = catalog.find(name, Path()).stage_class
        except UsageError:
            continue
        found[name] = (stage.Options, stage.summary)
    return found


def _stage(options: Json, entry: Json, summary: str) -> Json:
    """The mapping after a stage's word: its options and those of every entry."""
    return {
        **options,
        "description": summary or options.get("description", ""),
        "type": "object",
        "properties": {**options.get("properties", {}), **entry["properties"]},
        "patternProperties": _EXTENSIONS,
        "additionalProperties": False,
    }


def _custom(entry: Json) -> Json:
    """The mapping of an entry whose class is named by ``uses``: any options."""
    return {
        "description": "A stage of your own, named by `uses`.",
        "type": "object",
        "properties": entry["properties"],
        "required": ["uses"],
    }


def _item(names: tuple[str, ...], definitions: Json) -> Json:
    """An item of ``stages:``: a word, or a mapping with one key."""
    custom = {"$ref": f"{_REF}stage-custom"}
    alone: list[str] = []
    properties: Json = {}
    for name in names:
        body = definitions.get(f"stage-{name}", {})
        own: Json = {"$ref": f"{_REF}stage-{name}"} if body else {"type": "object"}
        if not body.get("required"):
            alone.append(name)
            own = {"anyOf": [{"type": "null"}, own]}
        properties[name] = {
            "description": body.get("description", ""),
            "if": {"type": "object", "required": ["uses"]},
            "then": custom,
            "else": own,
        }
    return {
        "anyOf": [
            {"enum": alone},
            {
                "type": "object",
                "properties": properties,
                "propertyNames": {"pattern": KEY_RULE},
                "additionalProperties": custom,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _relaxed(node: Json) -> Json:
    """Without generated titles, and with ``${VAR}`` allowed for what is not free text."""
    result: Json = {}
    for key, value in node.items():
        if key in ("properties", "patternProperties", "$defs"):
            result[key] = {name: _relaxed(inner) for name, inner in value.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            result[key] = [_relaxed(inner) for inner in value]
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            result[key] = _relaxed(value)
        elif key != "title":
            result[key] = value
    return _flat(_with_interpolation(result))


def _with_interpolation(node: Json) -> Json:
    types = node.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    restricted = types & {"integer", "number", "boolean"} and "string" not in types
    if not (restricted or {"enum", "const", "pattern"} & node.keys()):
        return node
    outer: Json = {key: node.pop(key) for key in ("description", "default") if key in node}
    return {**outer, "anyOf": [node, {"$ref": f"{_REF}interpolated"}]}


def _flat(node: Json) -> Json:
    """Alternatives of alternatives as alternatives, each one once."""
    if "anyOf" not in node:
        return node
    flat: list[Json] = []
    for one in node["anyOf"]:
        for inner in one["anyOf"] if one.keys() == {"anyOf"} else (one,):
            if inner not in flat:
                flat.append(inner)
    return {**node, "anyOf": flat}
