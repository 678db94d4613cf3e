"""What looks like a secret, and how a line with one is shown."""

from __future__ import annotations

import pytest

from pipeline.kit.dockerfile.secrets import without_secrets

TOKEN = "ghp_" + "a" * 36


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  - run: {env: {DB_PASSWORD: hunter2, A: b}}", "  - run: {env: {DB_PASSWORD: ***"),
        ('  "apiKey": "hun ter2",', '  "apiKey": ***'),
        ("ENV API_TOKEN=hunter2", "ENV API_TOKEN=***"),
        ("password: a, b # and more", "password: ***"),
        (f"  note: {TOKEN}", "  note: ***"),
        ("url: postgres://app:hunter2@db/app", "url: postgres***db/app"),
        ("  secrets: {TOKEN: {env: TOKEN}}", "  secrets: {TOKEN: {env: TOKEN}}"),
        ("  PASSWORD: '{secret:DB_PASSWORD}'", "  PASSWORD: '{secret:DB_PASSWORD}'"),
        ("  PASSWORD: ${DB_PASSWORD}", "  PASSWORD: ${DB_PASSWORD}"),
        ("  PASSWORD_FILE: /run/secrets/db", "  PASSWORD_FILE: /run/secrets/db"),
        ("  tokens: 5", "  tokens: 5"),
        ("  TOKEN:", "  TOKEN:"),
    ],
)
def test_a_line_is_shown_without_its_secret(line: str, shown: str) -> None:
    assert without_secrets(line) == shown
