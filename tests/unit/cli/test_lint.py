"""``lint`` and ``update``."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import RegistryUnavailable
from pipeline.kit.dockerfile import ownership
from tests.support.desk import DOCKERFILE, Desk

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
    assert desk.read() == BAD
    assert " ENV TOKEN=***\n" in said.out and "abcdef" not in said.out
    assert desk("lint", "--dry-run").code == 2
    said = desk("lint", "--fix")
    assert said.code == 1 and "DL3020" not in said.out and "secret-in-image" in said.out
    assert desk.read() == BAD.replace("ADD", "COPY").replace(
        "CMD python app.py", 'CMD ["python", "app.py"]'
    )
    assert ownership.is_untouched(desk.read(".dockerignore"))


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
    before = flask.read()
    said = flask("lint", "--fix")
    assert (said.code, said.out) == (0, "Nothing found in 1 Dockerfile.\n")
    assert flask.read() == before


def test_files_can_be_named(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "web.Dockerfile"
    other.write_text("FROM scratch\nMAINTAINER me\n")
    said = desk("lint", str(other), "--fix")
    assert "+LABEL org.opencontainers.image.authors=me" in said.out
    assert other.read_text() == "FROM scratch\nLABEL org.opencontainers.image.authors=me\n"
    assert desk.read() == DOCKERFILE
    assert desk("lint", "nope").code == 2


def test_annotations_and_events(desk: Desk) -> None:
    desk.write("Dockerfile", BAD)
    assert "::error title=DL3020,file=" in desk("lint", "--output", "github").out
    told = desk("lint", "--output", "json").events()
    assert {event["rule"]: event["level"] for event in told}["secret-in-image"] == "error"


# update


def lock(desk: Desk) -> dict[str, str]:
    import yaml

    found: dict[str, str] = yaml.safe_load(desk.read("pipeline.lock"))["images"]
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
    desk.write("pipeline.lock", desk.read("pipeline.lock") + f"  old:1: sha256:{'0' * 64}\n")
    desk("update", "python")
    assert "old:1" in lock(desk)
    assert "unused" in desk("update").out
    assert "old:1" not in lock(desk)
    wrong = desk("update", "pithon")
    assert wrong.code == 2 and "python:3.11-slim" in wrong.err


def test_without_an_answer_the_lock_keeps_what_it_has(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    desk("update")
    before = desk.read("pipeline.lock")
    desk.engine.fail("digest", RegistryUnavailable("it sleeps"))
    said = desk("update")
    assert said.code == 4 and "it sleeps" in said.out
    assert desk.read("pipeline.lock") == before
    desk.write("pipeline.lock", "<<<<<<< HEAD\n")
    broken = desk("update")
    assert broken.code == 2 and "pipeline.lock:1" in broken.err


def test_without_any_answer_there_is_no_lock(desk: Desk) -> None:
    desk.engine.fail("digest", RegistryUnavailable("it sleeps"))
    assert desk("update").code == 4
    assert not (desk.folder / "pipeline.lock").exists()


def test_a_run_takes_the_lock_and_a_second_one_has_nothing_to_do(desk: Desk) -> None:
    desk.engine.publish("python:3.11-slim")
    desk("update")
    assert desk("run", "--output", "plain").code == 0
    assert json.loads(desk("plan", "--json").out)["nothing_to_do"]
    desk.engine.publish("python:3.11-slim")
    desk("update")
    plan = {s["key"]: s["action"] for s in desk("plan", "--json").json()["stages"]}
    assert (plan["dockerfile"], plan["build"]) == ("reuse", "run")
