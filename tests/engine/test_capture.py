"""From a container that was set up by hand to a Dockerfile: the rebuilt image serves the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from tests.engine.conftest import ROOT

pytestmark = pytest.mark.engine

NGINX = r"""
set -e
apt-get update -qq
apt-get install --yes -qq nginx >/dev/null 2>&1
sleep 2  # what is written in the very second of an installation may be a package's
sed -i 's/worker_connections 768/worker_connections 99/' /etc/nginx/nginx.conf
printf 'server { listen 80 default_server; root /srv/site; }\n' > /etc/nginx/sites-available/site
ln -s /etc/nginx/sites-available/site /etc/nginx/sites-enabled/site
rm /etc/nginx/sites-enabled/default
mkdir -p /srv/site && echo 'made by hand' > /srv/site/index.html
useradd --create-home deploy
echo TOKEN=t0p > /srv/site/.env
mkdir -p /srv/up && echo x > /srv/up/x && chown -R www-data:www-data /srv/up && chmod 750 /srv/up
nginx
"""
FLASK = r"""
set -e
pip install --quiet --disable-pip-version-check flask==3.0.3 waitress 2>/dev/null
mkdir /opt/app
cat > /opt/app/app.py <<'END'
import flask
app = flask.Flask(__name__)
app.get("/")(lambda: "flask by hand")
END
"""
LOOK = """
nginx -T 2>/dev/null; ls /etc/nginx/sites-enabled; stat -c '%U %a' /srv/up; id deploy
test ! -e /srv/site/.env
"""
GET = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/').read().decode())"


@pytest.fixture
def by_hand(engine: docker.DockerClient) -> Iterator[Callable[..., Container]]:
    """Starts containers that only wait, or of an image as it is; nothing is left of them."""
    made: list[Container] = []

    def start(image: str, **options: object) -> Container:
        name = f"hand{uuid.uuid4().hex[:8]}"
        container: Container = engine.containers.run(image, detach=True, name=name, **options)
        made.append(container)
        return container

    yield start
    for container in made:
        container.remove(force=True, v=True)


def shell(container: Container, script: str, **options: object) -> str:
    code, output = container.exec_run(["sh", "-c", script], **options)
    assert code in (0, None), output
    return output.decode() if isinstance(output, bytes) else ""


def capture(container: Container, folder: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "capture", container.name, "-o", str(folder),
         "--check", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DOCKCYCLE_HOME": str(folder.parent / "home")},
        cwd=folder.parent, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "t0p" not in done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def eventually(container: Container, script: str, expected: str) -> None:
    """Until the script prints it, for up to a minute."""
    output = b""
    for _ in range(120):
        container.reload()
        assert container.status == "running", container.logs()
        _, output = container.exec_run(["sh", "-c", script])
        if expected in output.decode():
            return
        time.sleep(0.5)
    raise AssertionError(output.decode())


@pytest.fixture
def rebuilt(engine: docker.DockerClient) -> Iterator[Callable[[Path], str]]:
    made: list[str] = []

    def build(folder: Path) -> str:
        tag = f"rebuilt{uuid.uuid4().hex[:8]}:1"
        subprocess.run(["docker", "build", "-q", "-t", tag, str(folder)], check=True, timeout=250)
        made.append(tag)
        return tag

    yield build
    for tag in made:
        engine.images.remove(tag, force=True)


def test_nginx_that_was_installed_and_configured_by_hand(
    tmp_path: Path, by_hand: Callable[..., Container], rebuilt: Callable[[Path], str]
) -> None:
    before = by_hand(
        "debian:bookworm-slim", command=["sleep", "infinity"], environment={"API_TOKEN": "t0p"}
    )
    shell(before, NGINX)
    found = capture(before, tmp_path / "out")
    dockerfile = str(found["dockerfile"])
    assert "        nginx=" in dockerfile
    assert 'CMD ["nginx", "-g", "daemon off;"]' in dockerfile
    assert "t0p" not in dockerfile and not list(tmp_path.glob("out/files/**/.env"))
    checked = found["checked"]
    assert isinstance(checked, dict)
    assert (checked["missing"], checked["different"]) == ([], [])
    after = by_hand(rebuilt(tmp_path / "out"))
    page = "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    eventually(after, f'bash -c "{page}"', "made by hand")
    told = shell(after, LOOK)
    assert "worker_connections 99" in told
    assert "www-data 750" in told and "uid=1000(deploy)" in told
    assert "\ndefault\n" not in told


def test_python_with_packages_that_were_installed_by_hand(
    tmp_path: Path, by_hand: Callable[..., Container], rebuilt: Callable[[Path], str]
) -> None:
    before = by_hand("python:3.11-slim", command=["bash"], tty=True)
    shell(before, FLASK)
    serve = ["waitress-serve", "--port=8000", "app:app"]
    before.exec_run(serve, detach=True, workdir="/opt/app")
    eventually(before, f'python -c "{GET}"', "flask by hand")
    found = capture(before, tmp_path / "out")
    requirements = (tmp_path / "out/requirements.txt").read_text().splitlines()
    assert "Flask==3.0.3" in requirements or "flask==3.0.3" in requirements
    assert any(line.startswith("waitress==") for line in requirements)
    copied = [p for p in tmp_path.glob("out/files/**/*") if p.is_file()]
    assert [p.name for p in copied] == ["app.py"]
    checked = found["checked"]
    assert isinstance(checked, dict)
    assert (checked["extra"], checked["missing"], checked["different"]) == ([], [], [])
    after = by_hand(rebuilt(tmp_path / "out"))
    eventually(after, f'python -c "{GET}"', "flask by hand")
