from pathlib import Path

from pipeline.adapters.fake.files import FakeFile
from pipeline.adapters.fake_engine import FakeEngine
from tests.support.containers import IMAGE, by_hand, text
from tests.support.desk import Desk

FILES = {"/etc/motd": text("changed\n"), "/srv/.env": text("A=1"), "/var/log/x.log": text("x")}


def web(engine: FakeEngine, **files: FakeFile) -> None:
    by_hand({**FILES, **files}, engine=engine, environment={"TOKEN": "t0p"})


def test_a_folder_is_written_and_what_is_left_out_is_told(desk: Desk, engine: FakeEngine) -> None:
    web(engine)
    said = desk("capture", "web")
    folder = desk.folder / "web"
    assert said.code == 0
    assert "COPY files/etc/motd /etc/motd" in (folder / "Dockerfile").read_text()
    assert (folder / "files/etc/motd").read_text() == "changed\n"
    assert "docker run -d -e TOKEN NAME" in said.out
    assert "! left out, it looks like a secret: the variable TOKEN" in said.err
    assert "/var/log/x.log" in said.err and "t0p" not in said.out + said.err
    again = desk("capture", "web")
    assert again.code == 2 and "--to" in again.err


def test_explain_writes_nothing(desk: Desk, engine: FakeEngine) -> None:
    web(engine)
    said = desk("capture", "web", "--explain")
    assert said.code == 0 and not (desk.folder / "web").exists()
    assert "/etc/motd" in said.out and "/srv/.env" in said.out and "/var/log/x.log" in said.out
    assert desk("capture", "web", "--explain", "--check").code == 2
    rows = desk("capture", "web", "--explain", "--json").json()["found"]
    assert {"what": "file", "name": "/etc/motd", "detail": "root:root 0644"} in rows


def test_check_builds_it_and_takes_away_what_only_the_image_has(
    desk: Desk, engine: FakeEngine, tmp_path: Path
) -> None:
    web(engine)
    engine.state.files = {**IMAGE, **FILES, "/etc/extra": text("made by a package")}
    said = desk("capture", "web", "--to", str(tmp_path / "out"), "--check")
    assert "/etc/extra is made by a package" in said.out
    assert "all that is meant to be in it" in said.out
    assert "RUN rm -rf /etc/extra" in (tmp_path / "out/Dockerfile").read_text()
    assert [c.name for c in engine.containers({})] == ["web"]
    assert [i.tags for i in engine.images({"dockcycle.role": "check"})] == []


def test_a_container_that_is_not_there(desk: Desk) -> None:
    said = desk("capture", "nothing")
    assert said.code == 1 and "there is no container nothing" in said.err
