import hashlib
import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.registry import HttpRegistry
from pipeline.adapters.registry_http import retry_after
from pipeline.errors import Cancelled, RegistryDenied, RegistryUnavailable, Unusable
from pipeline.ports.registry import Auth
from pipeline.scope import Scope
from tests.support.registry_server import MANIFEST, Fault, digest_of, registry_server
from tests.support.smoke import JumpingClock

ADA = Auth(username="ada", password="correct horse", source="docker config")
INDEX = "application/vnd.oci.image.index.v1+json"


def reader() -> tuple[HttpRegistry, JumpingClock]:
    clock = JumpingClock()
    return HttpRegistry(clock), clock


# reading


def test_a_manifest_by_tag_and_by_digest() -> None:
    with registry_server() as server:
        digest = server.script.put_image("acme/hello", "1.0", config=b'{"a": 1}')
        registry, _ = reader()
        found = registry.manifest(f"{server.host}/acme/hello:1.0", None, Scope())
        assert found is not None
        assert (found.digest, found.config) == (digest, digest_of(b'{"a": 1}'))
        assert (found.media_type, found.size) == (MANIFEST, 13)
        assert registry.manifest(f"{server.host}/acme/hello@{digest}", None, Scope()) == found


def test_no_tag_means_latest() -> None:
    with registry_server() as server:
        digest = server.script.put_image("hello", "latest")
        found = reader()[0].manifest(f"{server.host}/hello", None, Scope())
        assert found is not None and found.digest == digest


def test_what_is_not_there_is_none() -> None:
    with registry_server() as server:
        assert reader()[0].manifest(f"{server.host}/hello:1", None, Scope()) is None


def test_an_index_names_its_platforms_without_attestations() -> None:
    document = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {"digest": "sha256:a", "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": "sha256:b",
             "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
            {"digest": "sha256:c", "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        ],
    }  # fmt: skip
    with registry_server() as server:
        server.script.put_manifest("hello", "1", json.dumps(document).encode(), INDEX)
        found = reader()[0].manifest(f"{server.host}/hello:1", None, Scope())
    assert found is not None
    assert found.platforms == ("linux/amd64", "linux/arm/v7")
    assert found.manifests == ("sha256:a", "sha256:b")
    assert found.config == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "is not a manifest"),
        (b"[1]", "is not a manifest"),
        (b'{"schemaVersion": 1, "fsLayers": []}', "format of before 2016"),
    ],
)
def test_what_is_no_manifest_is_refused(body: bytes, reason: str) -> None:
    with registry_server() as server:
        server.script.put_manifest("hello", "1", body, "application/json")
        with pytest.raises(Unusable, match=reason):
            reader()[0].manifest(f"{server.host}/hello:1", None, Scope())


def test_a_manifest_that_does_not_have_its_digest_is_refused() -> None:
    with registry_server() as server:
        server.script.put_image("hello", "1")
        other = "sha256:" + hashlib.sha256(b"other").hexdigest()
        server.script.manifests["hello", other] = server.script.manifests["hello", "1"]
        with pytest.raises(Unusable, match="damaged"):
            reader()[0].manifest(f"{server.host}/hello@{other}", None, Scope())


def test_an_endless_answer_is_cut() -> None:
    with registry_server() as server:
        server.script.put_manifest("hello", "1", b"x" * 5_000_000, "application/json")
        with pytest.raises(RegistryUnavailable) as caught:
            reader()[0].manifest(f"{server.host}/hello:1", None, Scope())
    assert "more than" in caught.value.detail


# who may


def test_basic_authentication() -> None:
    with registry_server(login=("ada", "correct horse")) as server:
        server.script.put_image("hello", "1")
        registry, _ = reader()
        for _ in range(2):
            assert registry.manifest(f"{server.host}/hello:1", ADA, Scope()) is not None
        assert len(server.script.requests) == 3, "the second time it is known what is wanted"


@pytest.mark.parametrize("tokens", [False, True])
def test_a_wrong_password_is_refused_at_once_with_the_remedy(tokens: bool) -> None:
    with registry_server(login=("ada", "other"), tokens=tokens) as server:
        registry, clock = reader()
        with pytest.raises(RegistryDenied) as caught:
            registry.manifest(f"{server.host}/hello:1", ADA, Scope())
    assert f"docker login {server.host}" in caught.value.hint
    assert "ada (from docker config)" in caught.value.message
    assert "correct horse" not in repr(caught.value)
    assert clock.slept == []


def test_no_credentials_is_told_as_that() -> None:
    with registry_server(login=("ada", "x")) as server, pytest.raises(RegistryDenied) as caught:
        reader()[0].manifest(f"{server.host}/hello:1", None, Scope())
    assert "anyone without credentials" in caught.value.message


def test_forbidden_is_not_tried_again() -> None:
    with registry_server(faults=[Fault(status=403)]) as server:
        registry, clock = reader()
        with pytest.raises(RegistryDenied, match="403"):
            registry.manifest(f"{server.host}/hello:1", None, Scope())
    assert clock.slept == []


def test_a_token_is_fetched_for_this_repository_only_and_kept() -> None:
    with registry_server(login=("ada", "correct horse"), tokens=True) as server:
        server.script.put_image("acme/hello", "1")
        registry, _ = reader()
        for _ in range(2):
            assert registry.manifest(f"{server.host}/acme/hello:1", ADA, Scope()) is not None
        assert server.script.grants == [{"service": "test", "scope": "repository:acme/hello:pull"}]


def test_an_anonymous_token() -> None:
    with registry_server(tokens=True) as server:
        server.script.put_image("hello", "1")
        assert reader()[0].manifest(f"{server.host}/hello:1", None, Scope()) is not None


def test_an_identity_token_is_traded_for_one() -> None:
    auth = Auth(identity_token="long-lived", source="docker config")
    with registry_server(login=("a", "b"), tokens=True, refresh_token="long-lived") as server:
        server.script.put_image("hello", "1")
        assert reader()[0].manifest(f"{server.host}/hello:1", auth, Scope()) is not None
        assert server.script.grants[0]["grant_type"] == "refresh_token"
        assert server.script.count("POST", "/token") == 1


def test_credentials_do_not_follow_to_a_foreign_realm() -> None:
    realm = "http://tokens.evil.example/token"
    with registry_server(tokens=True, realm=realm) as server:
        with pytest.raises(RegistryDenied, match="not protected by TLS"):
            reader()[0].manifest(f"{server.host}/hello:1", ADA, Scope())
        server.script.realm = realm.replace("http:", "https:")
        with pytest.raises(RegistryDenied, match="another site"):
            reader()[0].manifest(f"{server.host}/hello:1", ADA, Scope())


def test_a_netrc_file_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with registry_server(login=("ada", "correct horse")) as server:
        server.script.put_image("hello", "1")
        assert reader()[0].manifest(f"{server.host}/hello:1", ADA, Scope()) is not None


def test_a_proxy_is_not_asked_the_way_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with registry_server() as server:
        server.script.put_image("hello", "1")
        assert reader()[0].manifest(f"{server.host}/hello:1", None, Scope()) is not None


# faults


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=503), Fault(drop=True), Fault(status=429)]
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    with registry_server(faults=[fault, fault]) as server:
        server.script.put_image("hello", "1")
        registry, clock = reader()
        assert registry.manifest(f"{server.host}/hello:1", None, Scope()) is not None
    assert len(clock.slept) == 2


def test_too_many_requests_are_waited_out_as_long_as_asked() -> None:
    with registry_server(faults=[Fault(status=429, headers={"Retry-After": "9"})]) as server:
        server.script.put_image("hello", "1")
        registry, clock = reader()
        assert registry.manifest(f"{server.host}/hello:1", None, Scope()) is not None
    assert clock.slept == [9]


def test_a_registry_that_stays_broken_is_given_up() -> None:
    body = b'{"errors": [{"code": "UNKNOWN", "message": "disk\x1b[31m full"}]}'
    with registry_server(faults=[Fault(status=500, body=body)] * 9) as server:
        registry, clock = reader()
        with pytest.raises(RegistryUnavailable):
            registry.manifest(f"{server.host}/hello:1", None, Scope())
        assert server.script.count("GET") == 5
    assert len(clock.slept) == 4


def test_a_slow_registry_is_left_when_the_scope_ends() -> None:
    with registry_server(faults=[Fault(delay=2.0)]) as server:
        scope = Scope()
        threading.Timer(0.2, scope.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            reader()[0].manifest(f"{server.host}/hello:1", None, scope)
        assert time.monotonic() - started < 1.5


def test_a_registry_that_is_not_there_says_where() -> None:
    with registry_server() as server:
        host = server.host
    registry, clock = reader()
    with pytest.raises(RegistryUnavailable, match=f"the registry at {host} cannot be reached"):
        registry.manifest(f"{host}/hello:1", None, Scope())
    assert len(clock.slept) == 4


# ping


def test_ping_knows_a_registry_from_other_servers() -> None:
    registry, _ = reader()
    with registry_server() as server:
        assert registry.ping(server.host, Scope())
        server.script.login = ("a", "b")
        assert registry.ping(server.host, Scope())
        for fault in (Fault(status=404), Fault(status=403), Fault(status=500), Fault(drop=True)):
            server.script.faults = [fault]
            assert not registry.ping(server.host, Scope())
    assert not registry.ping(server.host, Scope())


# Retry-After

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds
