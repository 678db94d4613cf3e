"""Packages that were added by apt, pip and npm."""

from __future__ import annotations

import base64
import hashlib
import json

from pipeline.adapters.fake.files import FakeFile
from pipeline.kit.capture.check import compare
from pipeline.kit.capture.snapshot import Entry, Snapshot
from tests.support.containers import IMAGE, INFO, STATUS, captured, left, package, text

SITE = "/usr/local/lib/python3.11/site-packages"


def md5(content: str) -> str:
    return hashlib.md5(content.encode()).hexdigest()


def nginx(**files: str) -> dict[str, FakeFile | None]:
    """As after ``apt-get install nginx``, with a recommended package."""
    first = (IMAGE[STATUS].data).decode()
    conf = f"/etc/nginx/nginx.conf {md5('workers 1;')}"
    status = (
        first
        + package("nginx", "1.22.1-9", "nginx-common, libc6", conf)
        + package("nginx-common", "1.22.1-9")
        + package("tips", "1")
    )
    states = "\n\n".join(f"Package: {n}\nAuto-Installed: 1" for n in ("nginx-common", "tips"))
    return {
        STATUS: text(status),
        "/var/lib/apt/extended_states": text(states),
        f"{INFO}/nginx.list": text("/etc/nginx\n/usr/sbin/nginx\n/etc/nginx/nginx.conf\n"),
        f"{INFO}/nginx.md5sums": text(f"{md5('ELF')}  usr/sbin/nginx\n"),
        f"{INFO}/nginx.postinst": text(
            "if [ -z $2 ]; then\n  ln -s /etc/nginx/default /etc/nginx/enabled/default\nfi\n"
        ),
        "/usr/sbin/nginx": text("ELF", mode=0o755),
        "/etc/nginx/nginx.conf": text(files.get("conf", "workers 1;")),
    }


def test_debian_packages_come_with_their_versions_and_without_what_they_need() -> None:
    lines = [line.strip() for line in captured(nginx()).recipe.dockerfile.splitlines()]
    assert "nginx=1.22.1-9 \\" in lines
    assert "tips=1 \\" in lines  # nobody needs it: it was recommended
    assert not any("nginx-common" in line or line.startswith("COPY") for line in lines)
    assert "# From tips on they came because others recommend them." in lines


def test_an_edited_configuration_of_a_package_is_copied_after_it() -> None:
    dockerfile = captured(nginx(conf="workers 4;")).recipe.dockerfile
    copy = "COPY files/etc/nginx/nginx.conf /etc/nginx/nginx.conf"
    assert dockerfile.index("nginx=1.22.1-9") < dockerfile.index(copy)
    assert "usr/sbin" not in dockerfile


def test_what_a_package_brings_and_somebody_took_away_is_taken_away_again() -> None:
    taken = {**nginx(), "/etc/nginx/nginx.conf": None}
    dockerfile = captured(taken).recipe.dockerfile
    for path in ("/etc/nginx/nginx.conf", "/etc/nginx/enabled/default"):
        assert path in dockerfile.partition("RUN rm -rf")[2]


def test_defaults_that_a_package_copies_to_their_place_are_its_own() -> None:
    found = captured(
        {
            **nginx(),
            f"{INFO}/tips.md5sums": text(
                f"{md5('<h1>')}  usr/share/nginx/index.html\n"
                f"{md5('ini')}  usr/lib/php.ini-production\n"
            ),
            "/var/lib/ucf/hashfile": text(f"{md5('[php]')}  /etc/php/mod.ini\n"),
            "/var/www/index.html": text("<h1>"),
            "/etc/php/php.ini": text("ini"),
            "/etc/php/mod.ini": text("[php]"),
            "/etc/nginx/mine.conf": text("workers 1;"),
        }
    )
    assert list(found.recipe.copied) == ["/etc/nginx/mine.conf"]


def test_what_a_package_made_while_it_was_set_up_is_its_own_in_any_time_zone() -> None:
    noon = 1_764_072_000  # 2025-11-25 12:00:00 UTC
    log = (
        "2025-11-25 13:00:00 startup archives unpack\n2025-11-25 13:00:09 status installed x:1 1\n"
    )
    found = captured(
        {
            "/var/log/dpkg.log": FakeFile(log.encode(), mtime=noon + 9),
            "/etc/made": FakeFile(b"by a script", mtime=noon + 4),
            "/etc/own": FakeFile(b"by hand", mtime=noon + 9),
            "/etc/later": FakeFile(b"by hand", mtime=noon + 3604),
        }
    )
    assert sorted(found.recipe.copied) == ["/etc/later", "/etc/own"]


def test_a_purged_package_is_purged() -> None:
    found = captured({STATUS: text("")})
    assert "RUN apt-get purge --yes libc6" in found.recipe.dockerfile


def distribution(name: str, version: str, source: str, *, asked: bool) -> dict[str, FakeFile]:
    folder = f"{SITE}/{name}-{version}.dist-info"
    digest = base64.urlsafe_b64encode(hashlib.sha256(source.encode()).digest()).decode()
    files = {
        f"{folder}/METADATA": text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        f"{folder}/RECORD": text(f"{name}.py,sha256={digest.rstrip('=')},1\n"),
        f"{SITE}/{name}.py": text(source),
    }
    return {**files, f"{folder}/REQUESTED": text("")} if asked else files


def test_python_packages_are_a_list_of_requirements() -> None:
    found = captured(
        {
            **distribution("flask", "3.0.3", "import jinja2", asked=True),
            **distribution("jinja2", "3.1", "x = 1", asked=False),
            f"{SITE}/__pycache__/flask.pyc": text("x"),
        }
    )
    assert dict(found.recipe.texts) == {"requirements.txt": "flask==3.0.3\njinja2==3.1\n"}
    assert "--no-deps --requirement /mnt/requirements.txt" in found.recipe.dockerfile
    assert "COPY" not in found.recipe.dockerfile


def test_a_python_package_that_was_edited_in_place_is_copied_over_it() -> None:
    files = distribution("flask", "3.0.3", "import jinja2", asked=True)
    found = captured({**files, f"{SITE}/flask.py": text("# mended\n")})
    assert list(found.recipe.copied) == [f"{SITE}/flask.py"]


def test_a_package_whose_origin_is_gone_is_copied_as_files() -> None:
    files = distribution("own", "1", "x = 1", asked=True)
    origin = json.dumps({"url": "file:///tmp/own-1.whl", "archive_info": {}})
    found = captured({**files, f"{SITE}/own-1.dist-info/direct_url.json": text(origin)})
    assert not found.recipe.texts
    assert f"{SITE}/own.py" in found.recipe.copied


def test_an_editable_project_is_installed_from_its_copied_folder() -> None:
    files = distribution("own", "1", "x = 1", asked=True)
    origin = json.dumps({"url": "file:///opt/own", "dir_info": {"editable": True}})
    found = captured(
        {
            **files,
            f"{SITE}/own-1.dist-info/direct_url.json": text(origin),
            "/opt/own/pyproject.toml": text("[project]\n"),
        }
    )
    dockerfile = found.recipe.dockerfile
    assert "--no-deps --editable /opt/own" in dockerfile
    assert dockerfile.index("COPY files/opt/") < dockerfile.index("--editable")
    assert list(found.recipe.copied) == ["/opt/own/pyproject.toml"]


def test_node_packages_global_and_of_an_app() -> None:
    found = captured(
        {
            "/usr/local/lib/node_modules/pm2/package.json": text('{"version": "7.0.4"}'),
            "/usr/local/lib/node_modules/pm2/cli.js": text("x"),
            "/usr/local/bin/pm2": FakeFile(link="../lib/node_modules/pm2/cli.js"),
            "/srv/app/package.json": text("{}"),
            "/srv/app/package-lock.json": text("{}"),
            "/srv/app/node_modules/express/index.js": text("x"),
        }
    )
    assert "npm install --global pm2@7.0.4" in found.recipe.dockerfile
    assert "RUN npm ci --prefix /srv/app" in found.recipe.dockerfile
    assert sorted(found.recipe.copied) == ["/srv/app/package-lock.json", "/srv/app/package.json"]


def test_what_a_rebuilt_image_has_more_less_and_otherwise() -> None:
    found = captured({"/etc/motd": text("new"), "/srv/a": text("a"), "/srv/.env": text("A=1")})
    assert "/srv/.env" in left(found)
    entries = {path: e for path, e in found.evidence.now.entries.items() if path != "/srv/a"}
    del entries["/srv/.env"]
    entries["/etc/motd"] = found.evidence.before.entries["/etc/motd"]
    for path in ("/etc/more", "/etc/more/x", "/var/log/x"):
        entries[path] = Entry(path, "file", 0o644, 0, 0)
    checked = compare(found.evidence, found.plan, Snapshot(entries))
    assert checked.extra == ("/etc/more",)
    assert checked.missing == ("/srv/a",)
    assert checked.different == ("/etc/motd",)
