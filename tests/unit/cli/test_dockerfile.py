from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import RegistryUnavailable
from pipeline.kit.dockerfile import ownership
from tests.support.desk import DOCKERFILE, Desk

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


@pytest.fixture
def flask(desk: Desk) -> Desk:
    """A Flask app without a Dockerfile."""
    (desk.folder / "Dockerfile").unlink()
    desk.write("app.py", FLASK)
    desk.write("requirements.txt", "flask==3.1.3\ngunicorn==23.0.0\n")
    return desk


def text(desk: Desk, name: str = "Dockerfile") -> str:
    return (desk.folder / name).read_text()


# dockerfile


def test_it_is_written_with_its_reasons_and_stays_the_same(flask: Desk) -> None:
    said = flask("dockerfile")
    assert said.code == 0 and "wrote     Dockerfile\nwrote     .dockerignore\n" in said.out
    assert "app: app:app" in said.out
    before = text(flask)
    assert ownership.is_untouched(before) and ownership.is_untouched(text(flask, ".dockerignore"))
    assert "current   Dockerfile" in flask("dockerfile").out
    assert text(flask) == before


def test_an_untouched_one_follows_the_code_and_the_pipeline_file(flask: Desk) -> None:
    flask("dockerfile")
    flask.change("  - dockerfile\n", '  - dockerfile: {python: "3.11"}\n')
    assert "updated   Dockerfile" in flask("dockerfile").out
    assert "FROM python:3.11-slim" in text(flask)


def test_explaining_and_printing_write_nothing(flask: Desk) -> None:
    told = flask("dockerfile", "--explain").out
    assert "requirements.txt" in told and "app.py:2" in told
    printed = flask("dockerfile", "--print").out
    assert ownership.is_untouched(printed)
    assert not (flask.folder / "Dockerfile").exists()
    flask("dockerfile")
    assert text(flask) == printed
    assert flask("dockerfile", "--print", "--force").code == 2


def test_an_edited_one_stays_and_what_differs_is_shown(flask: Desk) -> None:
    flask("dockerfile")
    edited = text(flask) + "LABEL mine=yes\n"
    flask.write("Dockerfile", edited)
    said = flask("dockerfile")
    assert said.code == 0 and "kept      Dockerfile" in said.out
    assert [line for line in said.out.splitlines() if line.startswith(("-", "+"))] == [
        "--- Dockerfile", "+++ generated", "-LABEL mine=yes",
    ]  # fmt: skip
    assert "--force" in said.err and "--adopt" in said.err
    assert text(flask) == edited
    assert "replaced  Dockerfile" in flask("dockerfile", "--force").out
    assert ownership.is_untouched(text(flask))


def test_an_adopted_one_has_lost_the_line_that_marked_it(flask: Desk) -> None:
    flask("dockerfile")
    flask.write("Dockerfile", text(flask) + "LABEL mine=yes\n")
    assert "adopted   Dockerfile" in flask("dockerfile", "--adopt").out
    for name, start in (("Dockerfile", "FROM python"), (".dockerignore", "# Version control")):
        assert text(flask, name).startswith(start)
    assert text(flask).endswith("LABEL mine=yes\n")
    again = flask("dockerfile", "--adopt")
    assert "kept      Dockerfile" in again.out and ".dockerignore" not in again.out
    assert "--adopt" not in again.err


def test_a_new_one_can_be_the_users_from_the_start(flask: Desk) -> None:
    assert flask("dockerfile", "--adopt").code == 0
    assert text(flask).startswith("FROM python")


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
    assert text(desk) == DOCKERFILE
    (desk.folder / "Dockerfile").unlink()
    said = desk("dockerfile")
    assert said.code == 1 and "cannot be told" in said.err
    assert not (desk.folder / "Dockerfile").exists()


def test_a_declared_one_beside_a_file_of_the_users(desk: Desk) -> None:
    desk.change("  - dockerfile\n", "  - dockerfile: {instructions: [FROM scratch, USER 1]}\n")
    said = desk("dockerfile")
    assert said.code == 0 and "+FROM scratch" in said.out
    assert desk("dockerfile", "--force").code == 0
    assert text(desk).endswith("FROM scratch\nUSER 1\n")
    assert "declared in the pipeline file" in desk("dockerfile", "--explain").err


def test_without_a_pipeline_file_the_folder_is_the_app(flask: Desk) -> None:
    (flask.folder / "pipeline.yml").unlink()
    assert "wrote     Dockerfile" in flask("dockerfile").out
    assert flask("dockerfile", "nope").code == 2
    assert flask("-f", "other.yml", "dockerfile").code == 2


# lint


BAD = "FROM python:3.11-slim\nADD app.py /\nENV TOKEN=abcdef\nUSER 1000\nCMD python app.py\n"


def test_findings_have_place_line_rule_and_remedy(desk: Desk) -> None:
    desk.write("Dockerfile", BAD)
    said = desk("lint")
    assert said.code == 1
    assert "Dockerfile:2: error: Use COPY instead of ADD" in said.out
    assert "      2 | ADD app.py /\n  next: `dockcycle lint --fix` mends it; https://" in said.out
    assert "Dockerfile:3: error: ENV TOKEN looks like a secret" in said.out
    assert "[no-dockerignore]" in said.out and "[unpinned-base]" in said.out
    rows = {row["rule"]: row for row in desk("lint", "--json").json()}
    assert rows["DL3020"]["fixable"] and not rows["secret-in-image"]["fixable"]
    assert rows["DL3020"]["severe"] and not rows["DL3025"]["severe"]


def test_what_is_mechanical_is_mended_and_shown(desk: Desk) -> None:
    desk.write("Dockerfile", BAD)
    said = desk("lint", "--fix", "--dry-run")
    assert "-ADD app.py /\n" in said.out and "+COPY app.py /\n" in said.out
    assert text(desk) == BAD
    assert desk("lint", "--dry-run").code == 2
    said = desk("lint", "--fix")
    assert said.code == 1 and "DL3020" not in said.out and "secret-in-image" in said.out
    assert text(desk) == BAD.replace("ADD", "COPY").replace(
        "CMD python app.py", 'CMD ["python", "app.py"]'
    )
    assert ownership.is_untouched(text(desk, ".dockerignore"))


def test_line_ends_stay_as_they_are(desk: Desk) -> None:
    (desk.folder / "Dockerfile").write_bytes(BAD.replace("\n", "\r\n").encode())
    desk("lint", "--fix")
    assert (desk.folder / "Dockerfile").read_bytes().count(b"\r\n") == 5


def test_the_choices_of_the_pipeline_file_hold(desk: Desk) -> None:
    desk.write("Dockerfile", BAD)
    desk.write(".dockerignore", "*\n")
    ignored = "lint: {ignore: [DL3020, secret-in-image, unpinned-base], severity: warning}"
    desk.change("  - dockerfile\n", f"  - dockerfile: {{{ignored}}}\n")
    rules = [row["rule"] for row in desk("lint", "--json").json()]
    assert rules == ["DL3025"]
    assert desk("lint").code == 1
    desk.change("severity: warning", "severity: error")
    assert desk("lint").code == 0


def test_a_generated_one_has_nothing_and_is_left_alone(flask: Desk) -> None:
    flask("dockerfile")
    flask.engine.publish("python:3.13-slim")
    flask("update")
    before = text(flask)
    said = flask("lint", "--fix")
    assert (said.code, said.out) == (0, "Nothing found in 1 Dockerfile.\n")
    assert text(flask) == before


def test_files_can_be_named(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "web.Dockerfile"
    other.write_text("FROM scratch\nMAINTAINER me\n")
    said = desk("lint", str(other), "--fix")
    assert "+LABEL org.opencontainers.image.authors=me" in said.out
    assert other.read_text() == "FROM scratch\nLABEL org.opencontainers.image.authors=me\n"
    assert text(desk) == DOCKERFILE
    assert desk("lint", "nope").code == 2


def test_annotations_and_events(desk: Desk) -> None:
    desk.write("Dockerfile", BAD)
    assert "::error title=DL3020,file=" in desk("lint", "--output", "github").out
    told = desk("lint", "--output", "json").events()
    assert {event["rule"]: event["level"] for event in told}["secret-in-image"] == "error"


# update


def lock(desk: Desk) -> dict[str, str]:
    import yaml

    found: dict[str, str] = yaml.safe_load(text(desk, "pipeline.lock"))["images"]
    return found


def test_update_makes_the_lock_and_moves_it(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    assert desk("update", "--dry-run").code == 0
    assert not (desk.folder / "pipeline.lock").exists()
    said = desk("update")
    assert said.code == 0 and "new" in said.out
    first = lock(desk)
    assert "same" in desk("update").out and lock(desk) == first
    desk.engine.publish("python:3.11-slim")
    [row] = desk("update", "--json", "python").json()
    assert (row["state"], row["was"], row["services"]) == (
        "moved", first["python:3.11-slim"], ["app"],
    )  # fmt: skip
    assert lock(desk) == {"python:3.11-slim": row["now"]}


def test_what_nobody_uses_goes_unless_others_are_named(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    desk("update")
    desk.write("pipeline.lock", text(desk, "pipeline.lock") + f"  old:1: sha256:{'0' * 64}\n")
    desk("update", "python")
    assert "old:1" in lock(desk)
    assert "unused" in desk("update").out
    assert "old:1" not in lock(desk)
    wrong = desk("update", "pithon")
    assert wrong.code == 2 and "python:3.11-slim" in wrong.err


def test_without_an_answer_the_lock_keeps_what_it_has(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    desk("update")
    before = text(desk, "pipeline.lock")
    desk.engine.fail("digest", RegistryUnavailable("it sleeps"))
    said = desk("update")
    assert said.code == 4 and "it sleeps" in said.out
    assert text(desk, "pipeline.lock") == before
    desk.write("pipeline.lock", "<<<<<<< HEAD\n")
    broken = desk("update")
    assert broken.code == 2 and "pipeline.lock:1" in broken.err


def test_a_run_takes_the_lock_and_a_second_one_has_nothing_to_do(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    desk("update")
    assert desk("run", "--output", "plain").code == 0
    assert json.loads(desk("plan", "--json").out)["nothing_to_do"]
    desk.engine.publish("python:3.11-slim")
    desk("update")
    plan = {s["key"]: s["action"] for s in desk("plan", "--json").json()["stages"]}
    assert (plan["dockerfile"], plan["build"]) == ("reuse", "run")
