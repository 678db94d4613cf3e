from __future__ import annotations

from pipeline.kit.dockerfile import ownership
from tests.support.desk import DOCKERFILE, Desk


def test_it_is_written_with_its_reasons_and_stays_the_same(flask: Desk) -> None:
    said = flask("dockerfile")
    assert said.code == 0 and "wrote     Dockerfile\nwrote     .dockerignore\n" in said.out
    assert "app: app:app" in said.out
    before = flask.read()
    assert ownership.is_untouched(before) and ownership.is_untouched(flask.read(".dockerignore"))
    assert "current   Dockerfile" in flask("dockerfile").out
    assert flask.read() == before


def test_an_untouched_one_follows_the_code_and_the_pipeline_file(flask: Desk) -> None:
    flask("dockerfile")
    flask.change("  - dockerfile\n", '  - dockerfile: {python: "3.11"}\n')
    assert "updated   Dockerfile" in flask("dockerfile").out
    assert "FROM python:3.11-slim" in flask.read()


def test_explaining_and_printing_write_nothing(flask: Desk) -> None:
    told = flask("dockerfile", "--explain").out
    assert "requirements.txt" in told and "app.py:2" in told
    printed = flask("dockerfile", "--print").out
    assert ownership.is_untouched(printed)
    assert not (flask.folder / "Dockerfile").exists()
    flask("dockerfile")
    assert flask.read() == printed
    assert flask("dockerfile", "--print", "--force").code == 2


def test_an_edited_one_stays_and_what_differs_is_shown(flask: Desk) -> None:
    flask("dockerfile")
    edited = flask.read() + "LABEL mine=yes\n"
    flask.write("Dockerfile", edited)
    said = flask("dockerfile")
    assert said.code == 0 and "kept      Dockerfile" in said.out
    assert [line for line in said.out.splitlines() if line.startswith(("-", "+"))] == [
        "--- Dockerfile", "+++ generated", "-LABEL mine=yes",
    ]  # fmt: skip
    assert "--force" in said.err and "--adopt" in said.err
    assert flask.read() == edited
    assert "replaced  Dockerfile" in flask("dockerfile", "--force").out
    assert ownership.is_untouched(flask.read())


def test_an_adopted_one_has_lost_the_line_that_marked_it(flask: Desk) -> None:
    flask("dockerfile")
    flask.write("Dockerfile", flask.read() + "LABEL mine=yes\n")
    said = flask("dockerfile", "--adopt")
    assert "adopted   Dockerfile" in said.out
    assert "python" not in said.out  # why another one would be made is not asked for
    for name, start in (("Dockerfile", "FROM python"), (".dockerignore", "# Version control")):
        assert flask.read(name).startswith(start)
    assert flask.read().endswith("LABEL mine=yes\n")
    again = flask("dockerfile", "--adopt")
    assert "kept      Dockerfile" in again.out and ".dockerignore" not in again.out
    assert "--adopt" not in again.err


def test_a_new_one_can_be_the_users_from_the_start(flask: Desk) -> None:
    assert flask("dockerfile", "--adopt").code == 0
    assert flask.read().startswith("FROM python")


def test_what_is_what_as_json(flask: Desk) -> None:
    [file] = flask("dockerfile", "--json").json()
    assert (file["service"], file["state"], file["origin"], file["port"]) == (
        "app", "missing", "generated", 5000,
    )  # fmt: skip
    assert [done["what"] for done in file["done"]] == ["wrote", "wrote"]
    assert {"subject", "value", "because", "file", "line", "doubtful"} == set(file["reasons"][0])
    [again] = flask("dockerfile", "--json", "--explain").json()
    assert again["state"] == "current" and again["done"] == []


def test_code_of_no_known_kind_leaves_the_users_file_alone(desk: Desk) -> None:
    (desk.folder / "app.py").rename(desk.folder / "app.f90")
    said = desk("dockerfile")
    assert said.code == 0 and "none can be generated" in said.err
    assert desk("dockerfile", "--force").code == 1
    assert desk("dockerfile", "--explain").code == 1
    assert desk.read() == DOCKERFILE
    (desk.folder / "Dockerfile").unlink()
    said = desk("dockerfile")
    assert said.code == 1 and "cannot be told" in said.err
    assert not (desk.folder / "Dockerfile").exists()


def test_a_declared_one_beside_a_file_of_the_users(desk: Desk) -> None:
    desk.change("  - dockerfile\n", "  - dockerfile: {instructions: [FROM scratch, USER 1]}\n")
    said = desk("dockerfile")
    assert said.code == 0 and "+FROM scratch" in said.out
    assert desk("dockerfile", "--force").code == 0
    assert desk.read().endswith("FROM scratch\nUSER 1\n")
    assert "declared in the pipeline file" in desk("dockerfile", "--explain").err


def test_without_a_pipeline_file_the_folder_is_the_app(flask: Desk) -> None:
    (flask.folder / "pipeline.yml").unlink()
    assert "wrote     Dockerfile" in flask("dockerfile").out
    assert flask("dockerfile", "nope").code == 2
    assert flask("-f", "other.yml", "dockerfile").code == 2


def test_a_difference_shows_no_secret(flask: Desk) -> None:
    flask.write("Dockerfile", "FROM python:3.13-slim\nENV API_TOKEN=hush-hush\n")
    said = flask("dockerfile")
    assert "-ENV API_TOKEN=***\n" in said.out
    assert "hush-hush" not in said.out + said.err
