import pytest

from pipeline.errors import UsageError
from pipeline.kit import references
from pipeline.kit.references import BadReference, Reference

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        ("hello", "docker.io", "library/hello", None, None),
        ("hello:1.2", "docker.io", "library/hello", "1.2", None),
        ("acme/hello", "docker.io", "acme/hello", None, None),
        ("docker.io/hello", "docker.io", "library/hello", None, None),
        ("index.docker.io/acme/hello:x", "docker.io", "acme/hello", "x", None),
        ("localhost/hello", "localhost", "hello", None, None),
        ("localhost:5000", "docker.io", "library/localhost", "5000", None),
        ("localhost:5000/a/b/c:t", "localhost:5000", "a/b/c", "t", None),
        ("127.0.0.1:5001/hello", "127.0.0.1:5001", "hello", None, None),
        ("[::1]:5000/hello:t", "[::1]:5000", "hello", "t", None),
        ("ghcr.io/acme/hello:t", "ghcr.io", "acme/hello", "t", None),
        ("Registry/hello", "Registry", "hello", None, None),
        (f"ghcr.io/a@{DIGEST}", "ghcr.io", "a", None, DIGEST),
        (f"a:t@{DIGEST}", "docker.io", "library/a", "t", DIGEST),
        ("a__b/c--d/e.f_g", "docker.io", "a__b/c--d/e.f_g", None, None),
    ],
)
def test_parts(text: str, host: str, path: str, tag: str | None, digest: str | None) -> None:
    assert references.parse(text) == Reference(host, path, tag, digest)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no name"),
        (":tag", "there is no name"),
        ("/hello", "a slash stands between"),
        ("ghcr.io/", "there is no name"),
        ("ghcr.io//a", "a slash stands between"),
        ("acme/Hello", "lower case"),
        ("Hello", "lower case"),
        ("-hello", "begin with a dash"),
        ("--upload-pack=x", "begin with a dash"),
        ("a b", "a name has a-z"),
        ("hello-", "a name has a-z"),
        ("a___b", "a name has a-z"),
        ("a..b/c", "is not a registry's host"),
        ("https://ghcr.io/acme/hello", "without https://"),
        ("hello:", "the tag is empty"),
        ("hello:-x", "does not begin with"),
        ("hello:a b", "a tag has letters"),
        ("hello:ü", "a tag has letters"),
        ("hello:" + "x" * 129, "at most 128"),
        ("hello@sha256:12", "a digest is"),
        ("hello@", "a digest is"),
        ("hello@md5:" + "0" * 64, "a digest is"),
        ("host:99999/hello", "not a port"),
        ("host-:80/hello", "is not a registry's host"),
        ("f" * 64, "an image id"),
        ("a/" + "b" * 250, "longer than 255"),
        ("hello\n", "a name has a-z"),
    ],
)
def test_what_docker_refuses_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadReference) as caught:
        references.parse(text)
    assert reason in caught.value.message
    assert isinstance(caught.value, UsageError) and isinstance(caught.value, ValueError)


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(BadReference) as caught:
        references.parse("X" * 100_000)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("hello:1", "hello"),
        ("docker.io/acme/hello", "acme/hello"),
        ("ghcr.io/acme/hello", "ghcr.io/acme/hello"),
    ],
)
def test_familiar_names_leave_the_hub_out(text: str, familiar: str) -> None:
    assert references.parse(text).familiar == familiar


def test_tag_and_digest_replace_one_another() -> None:
    reference = references.parse("ghcr.io/acme/hello:1")
    assert str(reference.pinned(DIGEST)) == f"ghcr.io/acme/hello@{DIGEST}"
    assert str(reference.pinned(DIGEST).tagged("2")) == "ghcr.io/acme/hello:2"
    with pytest.raises(BadReference):
        reference.tagged(".hidden")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.9.1", True),
        ("[::1]:5000", True),
        ("ghcr.io", False),
        ("localhost.evil.example:5000", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1:5000", False),
    ],
)
def test_loopback_is_an_address_not_a_prefix(host: str, expected: bool) -> None:
    assert references.is_loopback(host) is expected


@pytest.mark.parametrize("name", ["hello", "a_-b", "a___b", "x-", "web_", "__", "Über App", ""])
def test_a_path_component_is_always_valid(name: str) -> None:
    component = references.path_component(name)
    assert references.parse(f"localhost:5000/{component}").path == component
