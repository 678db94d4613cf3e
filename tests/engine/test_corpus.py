"""Each app of tests/corpus: what is generated for it is clean, builds, becomes healthy, answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import corpus

pytestmark = [
    pytest.mark.engine,
    pytest.mark.corpus,
    pytest.mark.timeout(corpus.BUILD + corpus.PATIENCE),
]


@pytest.mark.parametrize("name", corpus.names())
def test_it_is_generated_built_and_answers(name: str, tmp_path: Path) -> None:
    result = corpus.attempt(name, tmp_path)
    if name in corpus.ONLY_GENERATED:
        assert result.base
    else:
        assert result.user
