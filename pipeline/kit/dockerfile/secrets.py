"""What looks like a secret, by its name or its value."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PASS|SECRETS?|TOKEN|CREDENTIALS?|PRIVATE_?KEY|"
    r"API_?KEY|ACCESS_?KEY|SECRET_?KEY|SIGNING_?KEY|ENCRYPTION_?KEY)(?:$|_)"
)
_ABOUT_ONE = re.compile(
    r"_(?:FILE|PATH|DIR|URL|URI|NAME|ID|HOST|PORT|USER|TYPE|TTL|EXPIRY|EXPIRES|LENGTH|HEADER|"
    r"ISSUER|AUDIENCE|ALGORITHM|ENABLED|REQUIRED)$"
)
_VALUE = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{24,}"
    r"|\bnpm_[A-Za-z0-9]{30,}"
    r"|\bpypi-[A-Za-z0-9_-]{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s:@$]+:[^/\s:@$]+@"
)

_BEFORE_VALUE = re.compile(r"""(?!secret:\w)([A-Za-z_][\w-]*)["']?\s*[:=]\s*(?=\S)""")
_REFERENCE = re.compile(r"""["']?[{$*]""")


def is_secret_name(name: str) -> bool:
    """Is a variable of this name meant to hold a secret (``DB_PASSWORD``), rather than to tell
    where one is (``DB_PASSWORD_FILE``)?"""
    upper = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper().replace("-", "_")
    return bool(_NAME.search(upper)) and not _ABOUT_ONE.search(upper)


def is_secret_value(value: str) -> bool:
    """Has it the form of a token, a private key or a URL with a password?"""
    return bool(_VALUE.search(value))


def without_secrets(line: str) -> str:
    """A line of a file as it can be shown: what looks like a secret is ``***``, and so is all that
    stands behind the name of one, unless that refers to a value elsewhere."""
    for found in _BEFORE_VALUE.finditer(line):
        if is_secret_name(found[1]) and not _REFERENCE.match(line, found.end()):
            line = f"{line[: found.end()]}***"
            break
    return _VALUE.sub("***", line)
