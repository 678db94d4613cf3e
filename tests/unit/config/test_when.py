"""``when:`` and the reason that is told when it does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config.models import ALWAYS, EntryOptions, Never, When


def reason(
    when: Any, branch: str | None = "main", tag: str | None = None, environment: str = "",
    trigger: str = "cli",
) -> str | None:  # fmt: skip
    condition = EntryOptions.model_validate({"when": when}).condition
    return condition.matches(branch=branch, tag=tag, environment=environment, trigger=trigger)


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        ("always", {}),
        ({}, {}),
        ({"branch": "main"}, {}),
        ({"branch": ["dev", "main"]}, {}),
        ({"branch": "release/*"}, {"branch": "release/1/2"}),
        ({"branch": "!dev"}, {}),
        ({"branch": ["release/*", "!release/old"]}, {"branch": "release/new"}),
        ({"branch": "!main"}, {"branch": None}),
        ({"tag": True}, {"tag": "v1"}),
        ({"tag": False}, {}),
        ({"tag": "v*"}, {"tag": "v1.2"}),
        ({"tag": [1.0, "v*"]}, {"tag": "1.0"}),
        ({"environment": "prod"}, {"environment": "prod"}),
        ({"environment": "!prod"}, {}),
        ({"trigger": ["webhook", "cli"]}, {}),
        ({"branch": "main", "trigger": "cli"}, {}),
    ],
)
def test_it_holds(when: Any, facts: dict[str, Any]) -> None:
    assert reason(when, **facts) is None


@pytest.mark.parametrize(
    ("when", "facts", "why"),
    [
        ("never", {}, "when: never"),
        ({"branch": "dev"}, {}, "only on branch dev, this is main"),
        ({"branch": ["dev", "release/*"]}, {}, "only on branch dev or release/*, this is main"),
        ({"branch": "!main"}, {}, "only on branch not main, this is main"),
        ({"branch": ["m*", "!main"]}, {}, "only on branch m* and not main, this is main"),
        ({"branch": "main"}, {"branch": None}, "only on branch main, this is no branch"),
        ({"branch": "Main"}, {}, "only on branch Main, this is main"),
        ({"tag": True}, {}, "only on a tag"),
        ({"tag": False}, {"tag": "v1"}, "not on a tag, this is v1"),
        ({"tag": "v*"}, {}, "only on tag v*, this is no tag"),
        ({"tag": "!v1"}, {}, "only on tag not v1, this is no tag"),
        ({"tag": "v2*"}, {"tag": "v1"}, "only on tag v2*, this is v1"),
        ({"environment": "prod"}, {}, "only in environment prod, this is no environment"),
        ({"trigger": "webhook"}, {}, "only by trigger webhook, this is cli"),
        ({"branch": "main", "trigger": "webhook"}, {}, "only by trigger webhook, this is cli"),
    ],
)
def test_it_does_not_hold(when: Any, facts: dict[str, Any], why: str) -> None:
    assert reason(when, **facts) == why


def test_never_is_not_the_same_as_no_condition() -> None:
    assert Never() != When()
    assert When() == ALWAYS
