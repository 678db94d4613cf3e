from pathlib import Path

import pytest

from tests.support.desk import Desk


@pytest.fixture
def live(desk: Desk) -> Desk:
    assert desk("run", "--output", "plain").code == 0
    return desk


def image(desk: Desk) -> str:
    found: str = desk("image", "ls", "--json").json()[0]["id"]
    return found


def test_ls(desk: Desk) -> None:
    assert desk("image", "ls").err == "The project has no image here.\n"
    desk("run", "--output", "plain")
    [row] = desk("image", "ls", "--json").json()
    assert row["service"] == "app" and row["used_by"] == ["r1", "live"]


def test_build_ends_with_the_images(desk: Desk) -> None:
    said = desk("image", "build", "--output", "json")
    ends = {e["stage"]: e["status"] for e in said.events() if e["type"] == "stage_finished"}
    assert said.code == 0 and ends["build"] == "passed" and ends["run"] == "skipped"


def test_an_image_has_many_names(live: Desk) -> None:
    full = image(live)
    for name in (full, full[7:19], "r1", "r1:app", "app", "dockcycle/hello-app:r1"):
        assert live("image", "tag", "hello:x", "--image", name).out == "docker.io/library/hello:x\n"
    wrong = live("image", "tag", "hello:x", "--image", "python:3.11-slim")
    assert wrong.code == 1 and "dockcycle image ls" in wrong.err


def test_push_leaves_no_name_behind(live: Desk) -> None:
    said = live("image", "push", "reg.example/acme/hello:hotfix")
    assert said.code == 0 and said.out.startswith("reg.example/acme/hello@sha256:")
    assert "hotfix" not in live("image", "ls").out


def test_pull(live: Desk) -> None:
    assert live("image", "pull", "reg.example/acme/hello:latest").out.strip() == image(live)
    assert live("image", "pull").out.strip() == image(live)
    assert live("image", "pull", "reg.example/acme/nothing:1").code != 0


def test_rm_asks_whether_a_release_needs_it(live: Desk) -> None:
    said = live("image", "rm", image(live))
    assert said.code == 1 and "r1, live" in said.err and "--force" in said.err
    live.change("print('hi')", "print('ho')", "app.py")
    live("image", "build", "--output", "plain")
    assert live("image", "rm", image(live)).code == 0


def test_save_and_load(live: Desk, tmp_path: Path) -> None:
    file = tmp_path / "hello.tar"
    assert live("image", "save", "-o", str(file)).code == 0
    assert live("image", "load", str(file)).out.startswith(f"loaded {image(live)}")


def test_commit_marks_it_as_ours(live: Desk) -> None:
    made = live("image", "commit", "hello:broken").out.strip()
    assert made in [row["id"] for row in live("image", "ls", "--json").json()]
    assert live("image", "commit", "hello:x", "--service", "web").code == 1


@pytest.mark.parametrize("name", ["Hello", "hello@sha256:" + "a" * 64, "-x", "http://a/b"])
def test_bad_names_are_usage(live: Desk, name: str) -> None:
    assert live("image", "tag", "--", name).code == 2


def test_registry(desk: Desk) -> None:
    up = desk("registry", "up")
    assert up.code in (0, 1), up.err
    assert desk("registry", "down").code == 0
