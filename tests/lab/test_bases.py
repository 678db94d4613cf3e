"""The table of base images."""

from collections import Counter
from dataclasses import replace

import pytest

from lab import bases, machine
from lab.bases import ALL, BY_NAME
from lab.errors import LabError


def test_every_recipe_is_there() -> None:
    missing = [base.name for base in ALL if not (base.folder / "Dockerfile").is_file()]
    assert missing == ["debian-bookworm", "debian-trixie"]  # made by mmdebstrap, not by BuildKit


def test_no_tag_and_no_name_is_given_twice() -> None:
    tags = Counter(tag for base in ALL for tag in (*base.tags, *base.stand_ins))
    assert [tag for tag, count in tags.items() if count > 1] == []
    assert len(BY_NAME) == len(ALL)


def test_a_base_is_built_after_what_its_dockerfile_stands_on() -> None:
    for base in ALL:
        if base.recipe != "debian":
            recipe = (base.folder / "Dockerfile").read_text()
            for key, value in base.args.items():
                recipe = recipe.replace(f"${{{key}}}", value)
            for name in base.after:
                assert f"FROM {BY_NAME[name].tags[0]}" in recipe, base.name


@pytest.mark.parametrize("word", ["redis", "redis:7", "redis:7-alpine"])
def test_a_base_is_found_by_its_name_and_its_tags(word: str) -> None:
    assert bases.find(word).name == "redis"


def test_an_unknown_base_lists_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"no base image 'cobol'.*python-3\.11"):
        bases.find("cobol")


def test_the_ground_comes_with_a_base_and_is_built_first() -> None:
    chosen = bases.with_ground([BY_NAME["redis"]])
    assert {base.name for base in chosen} == {"redis", "debian-bookworm"}
    assert list(bases.order(chosen).static_order()) == ["debian-bookworm", "redis"]


def test_ground_that_is_there_is_not_built_again() -> None:
    assert list(bases.order([BY_NAME["redis"]]).static_order()) == ["redis"]


def test_a_fingerprint_changes_with_the_recipe_the_arguments_and_the_machine() -> None:
    base = BY_NAME["python-3.11"]
    seen = {
        base.fingerprint("machine"),
        base.fingerprint("another machine"),
        replace(base, args={"SUITE": "trixie"}).fingerprint("machine"),
        replace(base, recipe="redis").fingerprint("machine"),
    }
    assert len(seen) == 4
    assert base.fingerprint("machine") in seen


def test_only_index_settings_of_pip_go_into_images() -> None:
    listing = (
        "global.index-url='http://index.example/simple'\n"
        ":env:.trusted-host='index.example'\n"
        "global.cert='/etc/ssl/x.pem'\n"
    )
    assert machine.pip_environment(listing) == {
        "PIP_INDEX_URL": "http://index.example/simple",
        "PIP_TRUSTED_HOST": "index.example",
    }
