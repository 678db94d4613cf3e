"""Pieces of small Node.js apps."""

from __future__ import annotations

import json

SERVER = "require('http').createServer(x).listen(process.env.PORT || 3000)"


def package(**values: object) -> str:
    """A package.json."""
    return json.dumps(values, indent=2)
