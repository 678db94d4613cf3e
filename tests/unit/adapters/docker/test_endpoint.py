"""Which engine: the order in which the docker command looks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.docker.endpoint import DEFAULT_ADDRESS, find_endpoint
from pipeline.errors import EngineUnavailable


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / ".docker"
    folder.mkdir()
    return folder


def add_context(config: Path, name: str, **endpoint: Any) -> Path:
    """Write a context as ``docker context create`` does; gives the folder for its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(document))
    return config / "contexts" / "tls" / key / "docker"


def choose(config: Path, name: str) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": name}))


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), **more}


def test_without_anything_it_is_the_default_socket(tmp_path: Path, config: Path) -> None:
    found = find_endpoint(environ(tmp_path))
    assert (found.address, found.context, found.tls) == (DEFAULT_ADDRESS, "default", None)
    assert found.config == config


def test_docker_host_comes_first(tmp_path: Path, config: Path) -> None:
    add_context(config, "work", Host="tcp://work:2375")
    choose(config, "work")
    found = find_endpoint(environ(tmp_path, DOCKER_HOST="unix:///x.sock", DOCKER_CONTEXT="work"))
    assert found.address == "unix:///x.sock"
    assert found.environment()["DOCKER_HOST"] == "unix:///x.sock"
    assert found.environment()["DOCKER_CONTEXT"] == ""


def test_an_address_without_scheme_is_tcp(tmp_path: Path) -> None:
    assert find_endpoint(environ(tmp_path, DOCKER_HOST="host:2375")).address == "tcp://host:2375"


def test_docker_context_comes_before_the_current_one(tmp_path: Path, config: Path) -> None:
    add_context(config, "work", Host="ssh://me@work")
    add_context(config, "home", Host="unix:///home.sock")
    choose(config, "home")
    found = find_endpoint(environ(tmp_path, DOCKER_CONTEXT="work"))
    assert found.address == "ssh://me@work"
    assert found.environment()["DOCKER_CONTEXT"] == "work"
    assert found.environment()["DOCKER_HOST"] == ""
    assert find_endpoint(environ(tmp_path)).address == "unix:///home.sock"
    default = find_endpoint(environ(tmp_path, DOCKER_CONTEXT="default"))
    assert default.address == DEFAULT_ADDRESS


def test_docker_config_moves_it_all(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    add_context(elsewhere, "work", Host="unix:///work.sock")
    choose(elsewhere, "work")
    found = find_endpoint(environ(tmp_path, DOCKER_CONFIG=str(elsewhere)))
    assert found.address == "unix:///work.sock"
    assert found.environment()["DOCKER_CONFIG"] == str(elsewhere)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"currentContext": 3}'])
def test_an_odd_config_file_names_no_context(tmp_path: Path, config: Path, text: str) -> None:
    (config / "config.json").write_text(text)
    assert find_endpoint(environ(tmp_path)).address == DEFAULT_ADDRESS


def test_a_context_that_is_not_there_is_named(tmp_path: Path, config: Path) -> None:
    choose(config, "gone")
    with pytest.raises(EngineUnavailable, match="'gone' does not exist") as caught:
        find_endpoint(environ(tmp_path))
    assert "docker context ls" in caught.value.hint


@pytest.mark.parametrize("text", ["{", "[]", '{"Endpoints": {}}', '{"Endpoints": {"docker": 1}}'])
def test_a_broken_context_is_named(tmp_path: Path, config: Path, text: str) -> None:
    add_context(config, "work", Host="x")
    meta = next(config.glob("contexts/meta/*/meta.json"))
    meta.write_text(text)
    with pytest.raises(EngineUnavailable, match="'work' cannot be read"):
        find_endpoint(environ(tmp_path, DOCKER_CONTEXT="work"))


def test_a_context_brings_its_certificates(tmp_path: Path, config: Path) -> None:
    folder = add_context(config, "work", Host="tcp://work:2376", SkipTLSVerify=False)
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").write_text("")
    tls = find_endpoint(environ(tmp_path, DOCKER_CONTEXT="work")).tls
    assert tls is not None
    assert (tls.ca, tls.verify) == (str(folder / "ca.pem"), True)
    assert (tls.cert, tls.key) == (str(folder / "cert.pem"), str(folder / "key.pem"))


def test_tls_of_the_environment(tmp_path: Path, config: Path) -> None:
    certs = tmp_path / "certs"
    certs.mkdir()
    (certs / "ca.pem").write_text("")
    variables = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_CERT_PATH": str(certs)}
    assert find_endpoint(environ(tmp_path, **variables)).tls is None
    verified = find_endpoint(environ(tmp_path, **variables, DOCKER_TLS_VERIFY="1")).tls
    assert verified is not None
    assert (verified.ca, verified.cert, verified.verify) == (str(certs / "ca.pem"), None, True)
    trusting = find_endpoint(environ(tmp_path, **variables, DOCKER_TLS="1")).tls
    assert trusting is not None
    assert not trusting.verify
