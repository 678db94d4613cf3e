"""Small apps of the kinds that a Dockerfile can be generated for, as people write them.

Unit tests look at what is generated, engine tests build it, run it and ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class App:
    name: str
    files: Mapping[str, str]
    port: int | None
    """The port that is to be found; None for an app that listens on none."""
    says: str
    """In the body of GET /, or in the log of an app that has no port."""
    command: tuple[str, ...] = ()
    """CMD that is to be found, where it matters."""
    base: str = ""
    has: tuple[str, ...] = field(default=())
    """Text that is to be in the Dockerfile."""

    def write(self, folder: Path) -> Path:
        """Put the app into ``folder``."""
        for path, text in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return folder


_FLASK = """\
from flask import Flask

app = Flask(__name__)


@app.route("/")
def home():
    return "hello from flask"
"""

_FASTAPI = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def home():
    return {"says": "hello from fastapi"}


@app.get("/healthz")
def health():
    return {}
"""

_DJANGO_SETTINGS = """\
SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site1.urls"
"""

_DJANGO_URLS = """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [
    path("", lambda request: HttpResponse("hello from django")),
    path("health/", lambda request: HttpResponse("ok")),
]
"""

_DJANGO_WSGI = """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")
application = get_wsgi_application()
"""

_SERVER_PY = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from a script")


HTTPServer(("", int(os.environ.get("PORT", "8123"))), Hello).serve_forever()
"""

_SERVER_JS = """\
const http = require('http');
const port = process.env.PORT || 4000;
http.createServer((req, res) => res.end('hello from node')).listen(port);
"""

_SERVER_MJS = """\
import { createServer } from 'node:http';
import { greeting } from './lib.js';
createServer((req, res) => res.end(greeting)).listen(process.env.PORT ?? 3456);
"""

APPS = (
    App(
        "flask-without-a-server",
        {"app.py": _FLASK, "requirements.txt": "flask>=3\n"},
        5000, "hello from flask",
        ("gunicorn", "--threads=8", "--worker-tmp-dir=/dev/shm", "--access-logfile=-", "app:app"),
        "python:3.13-slim", ("gunicorn>=23",),
    ),
    App(
        "flask-factory-in-a-package",
        {
            "shop/__init__.py": "from flask import Flask\n\n\ndef create_app(config=None):\n"
            "    app = Flask(__name__)\n    app.add_url_rule('/', view_func=lambda: 'hello from a "
            "factory')\n    return app\n",
            "requirements/base.txt": "flask>=3\n",
            "requirements/prod.txt": "-r base.txt\ngunicorn>=23\n",
            ".python-version": "3.11.4\n",
        },
        5000, "hello from a factory", base="python:3.11-slim",
        has=("shop:create_app()", "requirements/base.txt requirements/prod.txt ./requirements/"),
    ),
    App(
        "fastapi",
        {"main.py": _FASTAPI, "requirements.txt": "fastapi>=0.110\nuvicorn>=0.30\n",
         "runtime.txt": "python-3.12.3\n"},
        8000, "hello from fastapi",
        ("sh", "-c", 'exec uvicorn --host 0.0.0.0 --port "$PORT" main:app'),
        "python:3.12-slim", ("/healthz",),
    ),
    App(
        "fastapi-pyproject-only",
        {
            "src/service/__init__.py": "",
            "src/service/main.py": _FASTAPI,
            "pyproject.toml": '[project]\nname = "service"\nversion = "1"\n'
            'requires-python = ">=3.11,<3.13"\ndependencies = ["fastapi>=0.110"]\n',
        },
        8000, "hello from fastapi", base="python:3.12-slim",
        has=("service.main:app", "PYTHONPATH=/app/src", "uvicorn>=0.30"),
    ),
    App(
        "package-with-a-build-and-a-procfile",
        {
            "src/tool/__init__.py": "",
            "src/tool/__main__.py": _SERVER_PY,
            "pyproject.toml": '[build-system]\nrequires = ["setuptools>=64"]\n'
            'build-backend = "setuptools.build_meta"\n[project]\nname = "tool"\nversion = "1"\n'
            "dependencies = []\n",
            "Procfile": "web: python -m tool\n",
        },
        8123, "hello from a script", ("python", "-m", "tool"), has=("PYTHONPATH=/app/src",),
    ),
    App(
        "django",
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', "
            "'site1.settings')\n",
            "site1/__init__.py": "", "site1/settings.py": _DJANGO_SETTINGS,
            "site1/urls.py": _DJANGO_URLS, "site1/wsgi.py": _DJANGO_WSGI,
            "requirements.txt": "Django>=5\ngunicorn>=23\n",
        },
        8000, "hello from django", has=("site1.wsgi:application", "/health/"),
    ),
    App(
        "streamlit",
        {"Home.py": "import streamlit as st\n\nst.title('hello')\n",
         "pages/1_More.py": "import streamlit as st\n", "requirements.txt": "streamlit\n"},
        8501, "<title>Streamlit</title>", has=("/_stcore/health", "streamlit run Home.py"),
    ),
    App("script", {"server.py": _SERVER_PY}, 8123, "hello from a script", ("python", "server.py")),
    App(
        "worker",
        {"worker.py": "import time\nprint('hello from a worker', flush=True)\ntime.sleep(600)\n",
         "requirements.txt": "six==1.17.0\n", "Procfile": "worker: python worker.py\n"},
        None, "hello from a worker", ("python", "worker.py"),
    ),
    App(
        "node-plain",
        {"package.json": '{"name": "a", "main": "index.js"}', "index.js": _SERVER_JS,
         ".nvmrc": "v20.11.0\n"},
        4000, "hello from node", ("node", "index.js"), "node:20-slim",
    ),
    App(
        "node-with-a-build-step",
        {
            "package.json": '{"name": "b", "type": "module", "scripts": {"build": "node build.js", '
            '"start": "node dist/server.js"}, "engines": {"node": "^20 || ^22"}}',
            "build.js": "import { cpSync, writeFileSync } from 'node:fs';\n"
            "cpSync('src', 'dist', { recursive: true });\n"
            "writeFileSync('dist/lib.js', \"export const greeting = 'hello from a build';\");\n",
            "src/server.js": _SERVER_MJS,
        },
        3456, "hello from a build", ("node", "dist/server.js"), "node:22-slim",
        ("node --run build", "AS build"),
    ),
    App(
        "node-with-tools-that-production-misses",
        {
            "package.json": '{"name": "c", "scripts": {"start": "GREETING=hi node server.js", '
            '"prepare": "husky"}, "devDependencies": {"husky": "9"}}',
            "server.js": _SERVER_JS,
        },
        4000, "hello from node", ("env", "GREETING=hi", "node", "server.js"),
        has=("npm pkg delete scripts.prepare",),
    ),
)  # fmt: skip
