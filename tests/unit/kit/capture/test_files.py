"""Files that were changed by hand: what is copied, what is said, what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.fake.files import FakeFile
from pipeline.errors import NotFound, UsageError
from pipeline.kit import labels
from pipeline.kit.capture import capture, write
from pipeline.kit.capture.evidence import marks
from pipeline.kit.dockerfile.parse import parse
from pipeline.ports.engine import ContainerSpec, Mount
from pipeline.scope import Scope
from tests.support.containers import BASE, by_hand, captured, left, text


def instructions(files: dict[str, FakeFile | None], **more: object) -> list[str]:
    dockerfile = captured(files, **more).recipe.dockerfile
    parse(dockerfile)
    return [line.strip() for line in dockerfile.splitlines() if line.strip()]


def test_an_edited_file_and_a_new_folder_are_copied() -> None:
    found = captured(
        {
            "/etc/motd": text("changed\n"),
            "/srv/site/index.html": text("<h1>"),
            "/srv/site/css/a.css": text("h1{}"),
        }
    )
    lines = found.recipe.dockerfile.splitlines()
    assert f"FROM {BASE}" in lines
    assert "COPY files/etc/motd /etc/motd" in lines
    assert "COPY files/srv/site/ /srv/site/" in lines
    assert sorted(found.recipe.copied) == [
        "/etc/motd", "/srv/site/css/a.css", "/srv/site/index.html"
    ]  # fmt: skip


def test_owners_are_said_by_name_and_unusual_modes_by_chmod() -> None:
    lines = instructions(
        {
            "/srv/up": FakeFile(mode=0o2775, uid=33, gid=33, folder=True),
            "/srv/up/a": text("a", uid=33, gid=33),
            "/srv/own/run.sh": text("#!/bin/sh\n", mode=0o755),
            "/srv/own/key.conf": text("x", mode=0o600, uid=77, gid=77),
        }
    )
    assert "COPY --chown=www-data:www-data files/srv/up/ /srv/up/" in lines
    assert "COPY --chown=77:77 files/srv/own/key.conf /srv/own/key.conf" in lines
    assert any(line.endswith("chmod 2775 /srv/up") for line in lines)
    assert any("chmod 0600 /srv/own/key.conf" in line for line in lines)


def test_links_empty_folders_and_what_was_taken_away() -> None:
    lines = instructions(
        {
            "/etc/motd": None,
            "/srv/current": FakeFile(link="/srv/releases/2"),
            "/srv/empty": FakeFile(mode=0o755, folder=True),
        }
    )
    assert "RUN rm -rf /etc/motd" in lines
    assert "RUN mkdir -p /srv/empty \\" in lines
    assert "&& ln -sfn /srv/releases/2 /srv/current" in lines


def test_a_whole_folder_that_is_given_away_is_said_once() -> None:
    lines = instructions(
        {
            "/srv": FakeFile(mode=0o755, uid=33, gid=33, folder=True),
            "/srv/a": text("a", uid=33, gid=33),
        }
    )
    assert "COPY --chown=www-data:www-data files/srv/a /srv/a" in lines
    assert "RUN chown --recursive www-data:www-data /srv" in lines


def test_odd_names_are_no_patterns_and_no_variables() -> None:
    lines = instructions({"/etc/a[1] $x*.conf": text("x")})
    assert 'COPY ["files/etc/a[[]1] \\\\$x[*].conf", "/etc/a[1] \\\\$x*.conf"]' in lines


def test_traces_data_and_secrets_are_left_out_and_told() -> None:
    found = captured(
        {
            "/var/log/app.log": text("x"),
            "/root/.bash_history": text("ls"),
            "/tmp/x": text("x"),
            "/srv/app/__pycache__/a.pyc": text("x"),
            "/var/lib/mysql/ibdata1": text("x"),
            "/srv/app/.env": text("A=1"),
            "/srv/app/settings.py": text("URL = 'postgres://me:hunter2@db/x'"),
            "/srv/app/app.py": text("print(1)"),
        }
    )
    why = left(found)
    assert list(found.recipe.copied) == ["/srv/app/app.py"]
    assert why["/var/log/app.log"] == "logs"
    assert "histories" in why["/root/.bash_history"]
    assert why["/srv/app/__pycache__/a.pyc"] == "caches"
    assert "database" in why["/var/lib/mysql/ibdata1"]
    for secret in ("/srv/app/.env", "/srv/app/settings.py"):
        assert "secret" in why[secret]
        assert secret in found.recipe.dockerfile
    assert "hunter2" not in found.recipe.dockerfile
    assert "/tmp/x" not in found.recipe.dockerfile


def test_names_that_a_dockerfile_cannot_say_are_left_out() -> None:
    found = captured(
        {"/srv/a\nUSER root": text("x"), "/srv/b\udcff": text("x"), "/srv/c é": text("x")}
    )
    assert list(found.recipe.copied) == ["/srv/c é"]
    assert "cannot say" in left(found)["/srv/a\nUSER root"]
    assert "\nUSER" not in found.recipe.dockerfile


def test_what_is_mounted_is_told_and_not_copied() -> None:
    mount = Mount(kind="volume", source="data", target="/data")
    found = captured({"/data": FakeFile(mode=0o755, folder=True)}, mounts=(mount,))
    assert "# Not in here: /data, mounted from data" in found.recipe.dockerfile
    assert "mkdir" not in found.recipe.dockerfile
    assert found.run_options == ["-v", "data:/data"]


def test_an_account_is_made_again_but_not_its_first_files() -> None:
    files: dict[str, FakeFile | None] = {
        "/etc/passwd": text("root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n"),
        "/etc/group": text("root:x:0:\nann:x:1000:\n"),
        "/home/ann": FakeFile(mode=0o755, uid=1000, gid=1000, folder=True),
        "/home/ann/.profile": text("umask 022\n", uid=1000, gid=1000),
        "/home/ann/notes": text("mine", uid=1000, gid=1000),
    }
    found = captured(files)
    lines = [line.strip() for line in found.recipe.dockerfile.splitlines()]
    assert "RUN groupadd --gid 1000 ann \\" in lines
    assert "COPY --chown=ann:ann files/home/ann/notes /home/ann/notes" in lines
    assert list(found.recipe.copied) == ["/home/ann/notes"]


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    engine = by_hand({"/etc/motd": text("changed\n"), "/srv/run.sh": text("x", mode=0o755)})
    found = capture(engine, "web", Scope(30))
    folder = tmp_path / "out"
    names = write(found, folder, engine, Scope(30))
    assert names == [".dockerignore", "Dockerfile", "files/etc/motd", "files/srv/run.sh"]
    assert (folder / "files/etc/motd").read_text() == "changed\n"
    assert (folder / "files/srv/run.sh").stat().st_mode & 0o777 == 0o755
    with pytest.raises(UsageError, match="is there already"):
        write(found, folder, engine, Scope(30))
    engine.remove("web")
    with pytest.raises(NotFound):
        write(found, tmp_path / "more", engine, Scope(30))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_on_the_engine() -> None:
    engine = by_hand({"/etc/motd": text("changed\n")})
    capture(engine, "web", Scope(30))
    assert [c.name for c in engine.containers({})] == ["web"]
    with pytest.raises(NotFound, match="no container nothing"):
        capture(engine, "nothing", Scope(30))


def test_what_a_killed_capture_left_goes_and_what_is_under_way_stays() -> None:
    engine = by_hand({"/etc/motd": text("changed\n")})
    image = engine.inspect("web")
    assert image is not None
    for name, run in (("dead", "2020-01-01T00:00:00+00:00"), ("alive", marks()[labels.RUN])):
        marked = {**marks(), labels.RUN: run}
        engine.create(ContainerSpec(image=image.image, name=name, labels=marked))
    capture(engine, "web", Scope(30))
    assert sorted(c.name for c in engine.containers({})) == ["alive", "web"]
