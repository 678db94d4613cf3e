import base64
import json
from pathlib import Path

import pytest

from pipeline.adapters import credentials
from pipeline.adapters.credentials import DockerCredentials
from pipeline.errors import Unusable
from pipeline.ports.registry import Auth


def encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


class Home:
    """A folder with Docker's config.json and credential helpers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"DOCKER_CONFIG": str(path / "docker"), "PATH": f"{path}:/usr/bin:/bin"}
        (path / "docker").mkdir()

    def config(self, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        (self.path / "docker" / "config.json").write_text(text)

    def helper(self, name: str, script: str) -> None:
        program = self.path / f"docker-credential-{name}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def lookup(self, host: str) -> Auth | None:
        return DockerCredentials(self.environment).lookup(host)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_without_a_config_there_are_none(home: Home) -> None:
    assert home.lookup("ghcr.io") is None


def test_an_entry_of_auths(home: Home) -> None:
    home.config({"auths": {"ghcr.io": {"auth": encoded("ada:pass:word")}}})
    assert home.lookup("ghcr.io") == Auth(
        username="ada", password="pass:word", source="docker config"
    )
    assert home.lookup("quay.io") is None


@pytest.mark.parametrize(
    "key",
    ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "https://registry-1.docker.io"],
)
def test_the_hub_has_had_many_names(home: Home, key: str) -> None:
    home.config({"auths": {key: {"auth": encoded("ada:x")}}})
    found = home.lookup("docker.io")
    assert found is not None and found.username == "ada"


def test_an_entry_may_be_a_url_with_a_path(home: Home) -> None:
    home.config({"auths": {"https://reg.example:5000/v2/": {"auth": encoded("ada:x")}}})
    assert home.lookup("reg.example:5000") is not None
    assert home.lookup("reg.example") is None


def test_an_identity_token(home: Home) -> None:
    home.config({"auths": {"acme.azurecr.io": {"auth": encoded("0:"), "identitytoken": "tok"}}})
    found = home.lookup("acme.azurecr.io")
    assert found is not None and found.identity_token == "tok"


def test_the_variable_comes_first(home: Home) -> None:
    home.config({"auths": {"ghcr.io": {"auth": encoded("file:x")}}})
    home.environment["DOCKER_AUTH_CONFIG"] = json.dumps(
        {"auths": {"ghcr.io": {"auth": encoded("variable:x")}}}
    )
    found = home.lookup("ghcr.io")
    assert found is not None
    assert (found.username, found.source) == ("variable", "DOCKER_AUTH_CONFIG")


def test_a_store_is_asked_over_stdin(home: Home) -> None:
    home.config({"credsStore": "fake", "auths": {"ghcr.io": {}}})
    home.helper(
        "fake",
        '[ "$1" = get ] || exit 9; read -r server; '
        'printf \'{"ServerURL":"%s","Username":"ada","Secret":"s of %s"}\' "$server" "$server"',
    )
    assert home.lookup("ghcr.io") == Auth(
        username="ada", password="s of ghcr.io", source="credential helper fake"
    )
    found = home.lookup("docker.io")
    assert found is not None and found.password == "s of https://index.docker.io/v1/"


def test_a_helper_for_one_registry_comes_before_the_store(home: Home) -> None:
    home.config({"credsStore": "broken", "credHelpers": {"ghcr.io": "fake"}})
    home.helper("fake", 'echo \'{"Username":"<token>","Secret":"identity"}\'')
    assert home.lookup("ghcr.io") == Auth(
        identity_token="identity", source="credential helper fake"
    )


def test_a_store_that_has_nothing_leaves_the_file(home: Home) -> None:
    home.config({"credsStore": "fake", "auths": {"ghcr.io": {"auth": encoded("ada:x")}}})
    home.helper("fake", "echo credentials not found in native keychain; exit 1")
    assert home.lookup("quay.io") is None
    found = home.lookup("ghcr.io")
    assert found is not None and found.source == "docker config"


def test_a_helper_that_fails_is_told_in_its_words(home: Home) -> None:
    home.config({"credsStore": "fake"})
    home.helper("fake", r"printf 'the keychain is \033[31mlocked' >&2; exit 1")
    with pytest.raises(Unusable) as caught:
        home.lookup("ghcr.io")
    assert caught.value.message == "docker-credential-fake has failed: the keychain is locked"


def test_a_helper_that_is_missing_is_named(home: Home) -> None:
    home.config({"credsStore": "desktop"})
    with pytest.raises(Unusable) as caught:
        home.lookup("ghcr.io")
    assert "docker-credential-desktop, which is not there" in caught.value.message
    assert "config.json" in caught.value.hint


def test_a_helper_that_hangs_is_left(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "HELPER_LIMIT", 0.2)
    home.config({"credsStore": "fake"})
    home.helper("fake", "exec sleep 30")
    with pytest.raises(Unusable, match="did not answer within"):
        home.lookup("ghcr.io")


@pytest.mark.parametrize("name", ["../../bin/sh", "a/b", "-x", "a b"])
def test_a_helper_is_a_name_not_a_path(home: Home, name: str) -> None:
    home.config({"credsStore": name})
    with pytest.raises(Unusable, match="no name of a credential helper"):
        home.lookup("ghcr.io")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object"),
        ({"auths": {"ghcr.io": {"auth": "ö"}}}, "is damaged"),
    ],
)
def test_a_damaged_config_is_told_without_its_content(
    home: Home, config: object, reason: str
) -> None:
    home.config(config)
    with pytest.raises(Unusable) as caught:
        home.lookup("ghcr.io")
    assert reason in caught.value.message


def test_an_answer_that_is_no_json_is_not_shown(home: Home) -> None:
    home.config({"credsStore": "fake"})
    home.helper("fake", "echo s3cr3t")
    with pytest.raises(Unusable) as caught:
        home.lookup("ghcr.io")
    assert "s3cr3t" not in str(caught.value)


def test_odd_types_are_ignored(home: Home) -> None:
    home.config({"auths": ["x"], "credHelpers": "y"})
    assert home.lookup("ghcr.io") is None


def test_a_password_is_not_in_the_repr(home: Home) -> None:
    home.config({"auths": {"ghcr.io": {"auth": encoded("ada:s3cr3t")}}})
    assert "s3cr3t" not in repr(home.lookup("ghcr.io"))
