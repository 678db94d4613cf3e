"""What ``operate`` says of domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.kit.gate import AcmeOptions
from stages.operate import OperateOptions


def options(**given: Any) -> OperateOptions:
    return OperateOptions.model_validate(given)


def test_one_or_several() -> None:
    assert options(domain="a.example.org", tls=False).tls is False
    assert options(domain=["a.example.org", "b.test"]).tls is True


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"domain": "*.example.org"}, "name each domain"),
        ({"domain": "https://a.example.org"}, "is a URL"),
        ({"domain": "a.example.org:8443"}, "has a port"),
        ({"domain": "a.example.org", "strategy": "replace"}, "`strategy: replace` has none"),
        ({"tls": False}, "`tls` is about a `domain`"),
        ({"acme": {"email": "ops@example.org"}}, "`acme` is about a `domain`"),
        ({"domain": "a.example.org", "acme": {"ca": "http://ca"}}, "no ACME directory"),
        ({"domain": "a.example.org", "acme": {"email": "ops"}}, "no e-mail address"),
    ],
)
def test_mistakes_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        options(**given)


def test_the_root_of_an_authority_is_read(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"
    (tmp_path / "ca.pem").write_text(pem)
    (tmp_path / "key.pem").write_text("something else")
    assert AcmeOptions(root="ca.pem").read(tmp_path).root == pem
    for file, told in (("key.pem", "no certificate"), ("gone.pem", "cannot be read")):
        with pytest.raises(ValueError, match=told):
            AcmeOptions(root=file).read(tmp_path)
