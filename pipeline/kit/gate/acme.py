"""Who signs the gate's certificates for public names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from pipeline.artifacts import Frozen


def _directory(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise ValueError(f"{url!r} is no ACME directory: write its https:// address")
    return url


def _address(text: str) -> str:
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", text):
        raise ValueError(f"{text!r} is no e-mail address")
    return text


class Acme(Frozen):
    """Empty for what Caddy takes by itself."""

    ca: str = ""
    """URL of the directory of an ACME server."""
    email: str = ""
    """Whom it tells when something is wrong with a certificate."""
    root: str = ""
    """Certificate (PEM) by which the directory itself is trusted, beside the public ones."""


class AcmeOptions(Frozen):
    """The same, as pipeline.yml says it."""

    ca: Annotated[str, AfterValidator(_directory)] | None = None
    """Address of the directory of an ACME server."""
    email: Annotated[str, AfterValidator(_address)] | None = None
    """Whom it tells when something is wrong with a certificate."""
    root: str | None = None
    """File with the certificate (PEM) by which that server is trusted, if it is your own."""

    def read(self, directory: Path) -> Acme:
        """With the root itself; its path is relative to ``directory``.

        Raises:
            ValueError: the file cannot be read, or is no certificate.
        """
        root = _pem(directory / self.root) if self.root else ""
        return Acme(ca=self.ca or "", email=self.email or "", root=root)


def _pem(file: Path) -> str:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError(f"{file} is no certificate in PEM")
    return text
