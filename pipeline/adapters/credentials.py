"""Registry credentials where the docker command keeps them.

In the order in which it looks: ``DOCKER_AUTH_CONFIG``, a credential helper for the registry, the
credential store for all, the ``auths`` of config.json.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import Unusable
from pipeline.kit.references import HUB
from pipeline.kit.text import sanitize
from pipeline.ports.registry import Auth

HELPER_LIMIT = 30.0
"""Seconds; a helper may have to ask its user."""
_HUB_KEY = "https://index.docker.io/v1/"
"""How Docker has always called the Hub in its configuration."""
_TOKEN_USER = "<token>"  # noqa: S105 - the helpers' mark for an identity token, not a password
_NOT_THERE = "credentials not found"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class DockerCredentials:
    """Implements ``pipeline.ports.Credentials``."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """``environment`` None means the process's own."""
        self._environment = os.environ if environment is None else environment

    def lookup(self, host: str) -> Auth | None:
        """Raises ``Unusable`` when the configuration or a helper does not work."""
        key = _HUB_KEY if host == HUB else host
        if found := _from_auths(self._from_variable(), host, "DOCKER_AUTH_CONFIG"):
            return found
        config = self._config()
        helpers = _mapping(config, "credHelpers")
        helper = helpers.get(key) or helpers.get(host) or config.get("credsStore")
        if helper and (found := self._ask(str(helper), key)):
            return found
        return _from_auths(config, host, "docker config")

    def _folder(self) -> Path:
        if folder := self._environment.get("DOCKER_CONFIG"):
            return Path(folder)
        home = self._environment.get("HOME")
        return (Path(home) if home else Path.home()) / ".docker"

    def _config(self) -> Mapping[str, Any]:
        path = self._folder() / "config.json"
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{path} cannot be read: {error}") from error
        return _parsed(text, str(path))

    def _from_variable(self) -> Mapping[str, Any]:
        text = self._environment.get("DOCKER_AUTH_CONFIG", "")
        return _parsed(text, "DOCKER_AUTH_CONFIG") if text.strip() else {}

    def _ask(self, helper: str, server: str) -> Auth | None:
        """What ``docker-credential-HELPER get`` says of the server; None when it has nothing."""
        if not _HELPER.fullmatch(helper):
            raise Unusable(f"{helper!r} in Docker's config.json is no name of a credential helper")
        program = f"docker-credential-{helper}"
        try:
            answer = subprocess.run(
                [program, "get"], input=server, capture_output=True, text=True,
                timeout=HELPER_LIMIT, check=False, env=dict(self._environment),
            )  # fmt: skip
        except FileNotFoundError as error:
            raise Unusable(
                f"Docker's config.json names the credential helper {program}, which is not there",
                hint="Install it, or take `credsStore` or `credHelpers` out of "
                f"{self._folder() / 'config.json'}.",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise Unusable(
                f"{program} did not answer within {HELPER_LIMIT:g} s",
                hint=f"Try it: `echo {server} | {program} get`.",
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{program} cannot be run: {error}") from error
        if answer.returncode != 0:
            said = sanitize((answer.stdout + answer.stderr).strip())[:300]
            if _NOT_THERE in said.lower():
                return None
            raise Unusable(f"{program} has failed: {said or f'exit code {answer.returncode}'}")
        return _from_helper(answer.stdout, helper, program)


def _from_helper(output: str, helper: str, program: str) -> Auth:
    entry = _parsed(output, f"the answer of {program}")
    username, secret = str(entry.get("Username", "")), str(entry.get("Secret", ""))
    source = f"credential helper {helper}"
    if username == _TOKEN_USER:
        return Auth(identity_token=secret, source=source)
    return Auth(username=username, password=secret, source=source)


def _from_auths(config: Mapping[str, Any], host: str, source: str) -> Auth | None:
    """The entry for the host, which may be written as a URL, with or without a path."""
    for server, entry in _mapping(config, "auths").items():
        if _host_of(server) == host and isinstance(entry, dict) and (found := _auth(entry, source)):
            return found
    return None


def _auth(entry: Mapping[str, Any], source: str) -> Auth | None:
    username, password = str(entry.get("username", "")), str(entry.get("password", ""))
    if encoded := entry.get("auth"):
        try:
            decoded = base64.b64decode(str(encoded)).decode()
        except ValueError:
            raise Unusable(
                f"an entry of {source} is damaged: its `auth` is not base64",
                hint="Log in again: `docker login HOST`.",
            ) from None
        username, _, password = decoded.rstrip("\0").partition(":")
    token = str(entry.get("identitytoken", ""))
    if not (token or username):
        return None  # an empty entry only says that a store has the credentials
    return Auth(username=username, password=password, identity_token=token, source=source)


def _host_of(server: str) -> str:
    host = re.sub(r"^https?://", "", server).split("/", 1)[0]
    return HUB if host in ("index.docker.io", "registry-1.docker.io") else host


def _parsed(text: str, what: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Unusable(f"{what} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unusable(f"{what} is not a JSON object")
    return value


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}
