"""What every base image gets from this machine: its certificate authorities and package indexes.

Read when an image is built and never written into the project: another machine has others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
)
INDEX_VARIABLES = ("GOPROXY", "GONOSUMDB", "GOFLAGS", "NPM_CONFIG_REGISTRY", "npm_config_registry")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host")


def certificates(folder: Path = CERTIFICATES) -> list[Path]:
    """Certificate authorities that were added to this machine."""
    return sorted(folder.rglob("*.crt"))


def pip_environment(listing: str) -> dict[str, str]:
    """PIP_* variables for the index settings in the output of ``pip config list``."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        setting = key.rpartition(".")[2]
        if setting in PIP_SETTINGS:
            found[f"PIP_{setting.replace('-', '_').upper()}"] = value.strip().strip("'\"")
    return found


def pip_listing() -> str:
    """The output of ``pip config list``; empty without pip."""
    argv = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables of every base image."""
    source = os.environ if environ is None else environ
    indexes = {name: source[name] for name in INDEX_VARIABLES if source.get(name)}
    bundle = dict.fromkeys(BUNDLE_VARIABLES, BUNDLE) if certificates() else {}
    return {**bundle, **pip_environment(pip_listing()), **indexes}
