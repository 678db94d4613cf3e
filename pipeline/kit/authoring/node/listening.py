"""Where the code says that it listens, and on what."""

from __future__ import annotations

import re

_FALLBACK = r"\s*(?:Number\(|parseInt\(|\+)?\s*[\"'`]?(\d{2,5})"
PORT = (
    re.compile(
        r"env(?:\.PORT\b|\[[\"']PORT[\"']\])!?\s*(?:,\s*10\s*)?\)?\s*(?:\|\||\?\?)" + _FALLBACK
    ),
    re.compile(r"env\.PORT\s*\?[^:\n]*:" + _FALLBACK),
    re.compile(r"\bPORT\s*=\s*(\d{2,5})\s*\}?.*=\s*process\.env"),
    re.compile(r"[\"']PORT[\"']\s*,\s*[\"']?(\d{2,5})"),
    re.compile(r"\bPORT[\"']?\s*:[^\n]*default\W+(\d{2,5})"),
    re.compile(r"\.listen\(\s*(?:\{\s*port\s*:\s*)?(\d{2,5})|\bport\s*[:=]\s*(\d{4,5})\b"),
    re.compile(r"\b(?:SERVER_|APP_|HTTP_)?PORT\s*[:=]\s*(\d{4,5})\b"),
    re.compile(r"\"port\"\s*:\s*(\d{2,5})"),
)
LISTENS = re.compile(
    r"\.listen\(|createServer|Bun\.serve|env\.PORT|\bPORT\b.*=\s*process\.env|\bserve\(\{"
)
ONLY_HERE = re.compile(
    r"(?:\.listen\([^)]*|\bhost(?:name)?\s*[:=]\s*)[\"'](127\.0\.0\.1|localhost)[\"']"
)
FASTIFY_LISTEN = re.compile(r"\.(listen)\(\s*\{(?![^}]*host)[^}]*\}")
WEB = ("express", "fastify", "koa", "hono", "@nestjs/core", "@hapi/hapi", "restify", "polka",
        "socket.io", "@apollo/server", "@feathersjs/express", "elysia")  # fmt: skip
"""Packages that are there to listen."""
