"""Names that an app may be opened by."""

from __future__ import annotations

import pytest

from pipeline.kit.gate.domains import is_home, parse_domains


def test_one_or_several_as_they_go_over_the_wire() -> None:
    assert parse_domains("App.Example.org.") == ("app.example.org",)
    assert parse_domains(["a.test", "b.test", "A.test"]) == ("a.test", "b.test")
    assert parse_domains("bücher.example") == ("xn--bcher-kva.example",)
    assert parse_domains("localhost") == ("localhost",)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("https://app.example.org", "write the host name alone"),
        ("app.example.org/shop", "write the host name alone"),
        ("*.example.org", "name each domain"),
        ("app.example.org:8443", "has a port"),
        ("192.0.2.7", "is an address"),
        ("app", "has no dot"),
        ("-app.example.org", "is no host name"),
        ("a..example.org", "is no host name"),
        ("a@b.example.org", "is no host name"),
        ("a b.example.org", "is no host name"),
        ("x" * 64 + ".org", "is no host name"),
        ("", "is no host name"),
        ([], "names no domain"),
    ],
)
def test_what_is_none(value: str | list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_domains(value)


def test_names_that_nobody_can_own() -> None:
    assert all(is_home(name) for name in ("localhost", "a.localhost", "x.y.test", "nas.home.arpa"))
    assert not any(is_home(name) for name in ("example.org", "mylocalhost", "test.example.org"))
