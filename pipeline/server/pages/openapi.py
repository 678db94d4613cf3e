"""The OpenAPI 3.1 document, generated from the table of endpoints and the forms they use."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from pipeline import __version__
from pipeline.server.pages import shapes
from pipeline.server.pages.api import ENDPOINTS, Endpoint

REFERENCE = "#/components/schemas/{model}"


@cache
def describe(url: str = "") -> str:
    """The document as JSON; ``url`` is where the server is found."""
    paths: dict[str, dict[str, Any]] = {}
    references, definitions = _schemas()
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(
            endpoint, references
        )
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "dockcycle",
            "version": __version__,
            "description": "Projects, runs and releases of one dockcycle server.",
        },
        **({"servers": [{"url": url}]} if url else {}),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return json.dumps(document, indent=1)


def _types() -> list[Any]:
    used = [*(e.answer for e in ENDPOINTS), *(e.body for e in ENDPOINTS if e.body), shapes.Problem]
    return list(dict.fromkeys(used))


def _schemas() -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """The reference to each type, and all definitions."""
    kinds = _types()
    found, rest = TypeAdapter.json_schemas(
        [(kind, "serialization", TypeAdapter(kind)) for kind in kinds], ref_template=REFERENCE
    )
    return {kind: found[(kind, "serialization")] for kind in kinds}, rest["$defs"]


def _operation(endpoint: Endpoint, references: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    good: dict[str, Any] = {"application/json": {"schema": references[endpoint.answer]}}
    if endpoint.streams:
        good["text/event-stream"] = {"schema": {"type": "string"}}
    problem = {"application/json": {"schema": references[shapes.Problem]}}
    return {
        "operationId": _identifier(endpoint),
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        **(_body(references[endpoint.body]) if endpoint.body else {}),
        **({"security": [{"token": []}]} if endpoint.acts else {}),
        "responses": {
            str(endpoint.status): {"description": endpoint.summary, "content": good},
            "default": {"description": "Why not, and what to do", "content": problem},
        },
    }


def _identifier(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path.removeprefix("/api/"))
    return "_".join([endpoint.method.lower(), *words])


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    text = {"type": "string"}
    named = re.findall(r"{(\w+)}", endpoint.path)
    return [
        *({"name": name, "in": "path", "required": True, "schema": text} for name in named),
        *(
            {"name": name, "in": "query", "description": meaning, "schema": text}
            for name, meaning in endpoint.query
        ),
    ]


def _body(reference: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}
    }
