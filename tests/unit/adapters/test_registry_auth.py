import pytest

from pipeline.adapters.registry_auth import basic, distrusted, parse_challenge
from pipeline.ports.registry import Auth


def test_a_bearer_challenge() -> None:
    found = parse_challenge(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
        'scope="repository:a/b:pull,push"'
    )
    assert found is not None and found.scheme == "bearer"
    assert found.realm == "https://auth.docker.io/token"
    assert found.fields["scope"] == "repository:a/b:pull,push"


def test_a_token_is_preferred_to_a_password() -> None:
    found = parse_challenge('Basic realm="x", bearer realm="https://r/t", service="s"')
    assert found is not None and (found.scheme, found.realm) == ("bearer", "https://r/t")
    found = parse_challenge('BASIC realm="Registry Realm"')
    assert found is not None and found.scheme == "basic"


@pytest.mark.parametrize("header", ["", "Negotiate", "Digest realm=x", "Bearer"])
def test_other_demands_are_none(header: str) -> None:
    assert parse_challenge(header) is None


def test_a_hostile_header_costs_little_time() -> None:
    assert parse_challenge('Bearer a="' + ",a=" * 20_000) is None


def test_basic_is_utf8() -> None:
    assert basic(Auth(username="ada", password="ä:b")) == "Basic YWRhOsOkOmI="


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        ("ghcr.io", "https://ghcr.io/token"),
        ("docker.io", "https://auth.docker.io/token"),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
        ("registry.example.co.uk", "https://gitlab.example.co.uk/jwt/auth"),
        ("registry.example.com:5000", "https://registry.example.com:5001/auth"),
        ("rg.fr-par.scw.cloud", "https://api.scaleway.com/registry/tokens"),
        ("127.0.0.1:5000", "http://127.0.0.1:5001/token"),
        ("localhost:5000", "http://127.0.0.1:5001/token"),
        ("10.0.0.7:5000", "https://10.0.0.7:5001/token"),
    ],
)
def test_realms_of_the_same_house_get_credentials(host: str, realm: str) -> None:
    assert distrusted(host, realm, secret=True) == ""


@pytest.mark.parametrize(
    ("host", "realm", "reason"),
    [
        ("ghcr.io", "https://evil.example/token", "another site"),
        ("docker.io", "https://auth.docker.io.evil.example/token", "another site"),
        ("acme.co.uk", "https://evil.co.uk/token", "another site"),
        ("10.0.0.7:5000", "https://10.0.0.8/token", "another site"),
        ("evil-scw.cloud", "https://api.scaleway.com/x", "another site"),
        ("ghcr.io", "http://ghcr.io/token", "TLS"),
        ("ghcr.io", "http://127.0.0.1/token", "TLS"),
        ("127.0.0.1:5000", "http://evil.example/token", "TLS"),
        ("127.0.0.1:5000", "https://evil.example/token", "another site"),
        ("ghcr.io", "file:///etc/passwd", "not a web address"),
        ("ghcr.io", "", "not a web address"),
        ("ghcr.io", "https://ghcr.io@evil.example/token", "another site"),
    ],
)
def test_other_realms_do_not(host: str, realm: str, reason: str) -> None:
    assert reason in distrusted(host, realm, secret=True)


def test_without_credentials_any_protected_realm_will_do() -> None:
    assert distrusted("ghcr.io", "https://tokens.example/t", secret=False) == ""
    assert "TLS" in distrusted("ghcr.io", "http://tokens.example/t", secret=False)
