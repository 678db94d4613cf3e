"""How an engine is named."""

from __future__ import annotations

import pytest

from pipeline.kit.addresses import as_addresses


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, ("",)),
        ("ssh://deploy@server:2222", ("ssh://deploy@server:2222",)),
        ("unix:///run/docker.sock", ("unix:///run/docker.sock",)),
        ("prod", ("prod",)),
        (["tcp://one:2376", "ssh://two"], ("tcp://one:2376", "ssh://two")),
    ],
)
def test_one_several_or_none(value: object, found: tuple[str, ...]) -> None:
    assert as_addresses(value) == found


@pytest.mark.parametrize(
    "value",
    ["", "server:22", "ssh://", "ssh://me@", "ssh://-oProxyCommand=x", "ssh://host:port", "http://x",
     "ssh://a b", "unix://", "-x", [], ["a", "a"], 7, [7]],
)  # fmt: skip
def test_what_names_no_engine_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"engine|names no|serves nowhere|twice"):
        as_addresses(value)


def test_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="no password") as caught:
        as_addresses("ssh://me:hunter2@host")
    assert "hunter2" not in str(caught.value)
