"""Dockerfiles for Ruby: Rails, Sinatra, anything on Rack, and plain scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.errors import StageFailed
from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reasons, Wishes
from pipeline.kit.authoring.ruby import FILE
from pipeline.kit.authoring.ruby.bundle import LOCK, Bundle
from pipeline.kit.authoring.sources import Found, Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_BUNDLE = "/usr/local/bundle"
_SCRIPTS = ("app.rb", "main.rb", "server.rb", "web.rb", "worker.rb", "bot.rb")
_PORT = (
    re.compile(r"ENV\.fetch\(\s*[\"']PORT[\"']\s*(?:,\s*|\)\s*\{\s*)[\"']?(\d{2,5})"),
    re.compile(r"ENV\[[\"']PORT[\"']\]\s*\|\|\s*[\"']?(\d{2,5})"),
    re.compile(r"set\s+:port,\s*(\d{2,5})|Port:\s*(\d{2,5})|^\s*port\s+(\d{2,5})", re.MULTILINE),
    re.compile(r"TCPServer\.new\([^)\n]*?(\d{2,5})\s*\)"),
)
_LISTENS = re.compile(r"TCPServer|WEBrick|Sinatra|sinatra|Rack::|Puma")
_MAKE_KEY = (
    'if [ -z "$SECRET_KEY_BASE$RAILS_MASTER_KEY" ]; then '
    "SECRET_KEY_BASE=$(ruby -rsecurerandom -e 'puts SecureRandom.hex(64)'); "
    "export SECRET_KEY_BASE; fi"
)
"""A key that lasts as long as a start, for a Rails app that is given none."""


def author(tree: Tree, wishes: Wishes) -> Authored:
    """The Dockerfile for an app that was recognised."""
    return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.bundle = Bundle(tree)
        self.base = f"ruby:{self.bundle.version(wishes, self.reasons)}-slim-trixie"
        self.rails = self.bundle.has("rails", "railties") and tree.has("config/application.rb")
        if self.rails:
            self.reasons.note("framework", "Rails", "there is such a file", "config/application.rb")
        self.needs = self.bundle.needs(self.reasons)
        self.sources = Sources(tree, self._files())
        self._note_lock()
        self.said = starting.said(tree, wishes, self.reasons)
        self.command = self.said.command if self.said else self._start()
        self.port = self._port()

    def _files(self) -> list[str]:
        found = [path for path in self.tree.files if path.endswith((".rb", ".ru"))]
        kept = [path for path in found if not path.startswith(("test/", "spec/", "vendor/"))]
        return sorted(kept, key=lambda path: (path != "config/puma.rb", path.count("/"), path))

    def _note_lock(self) -> None:
        if self.bundle.exists and not self.bundle.locked:
            because = "there is no Gemfile.lock, so versions may differ from build to build"
            self.reasons.note("dependencies", "bundle install", because, FILE, doubtful=True)

    def _start(self) -> str | tuple[str, ...]:
        """As the framework wants it.

        Raises:
            StageFailed: nothing says how.
        """
        puma = "config/puma.rb"
        if self.rails or self.tree.has("config.ru"):
            if self.tree.has(puma) and self.bundle.has("puma"):
                self.reasons.note("server", "puma", "the app configures it", puma)
                return ("bundle", "exec", "puma", "--config", puma)
            if self.bundle.has("puma"):
                self.reasons.note(
                    "server", "puma", "the app's gems have it", LOCK if self.bundle.locked else FILE
                )
                return 'bundle exec puma --port "$PORT"'
            if self.rails:
                return 'bundle exec rails server --binding 0.0.0.0 --port "$PORT"'
            self.reasons.note("server", "rackup", "there is a config.ru", "config.ru")
            return 'bundle exec rackup --host 0.0.0.0 --port "$PORT"'
        script = self.tree.first(*_SCRIPTS) or next(iter(self.tree.matching("*.rb")), None)
        if script is None:
            raise StageFailed(
                "this is Ruby, but nothing says how it is started",
                hint="Say it in pipeline.yml, `dockerfile: {start: ruby it.rb}`, or in a Procfile.",
                detail=f"Looked for: a Procfile; Rails; config.ru; {', '.join(_SCRIPTS)}.",
            )
        self.reasons.note("start", f"ruby {script}", "the script that is there", script)
        options = ' -o 0.0.0.0 -p "$PORT"' if self.bundle.has("sinatra") else ""
        bundler = "bundle exec " if self.bundle.exists else ""
        return f"{bundler}ruby {script}{options}"

    def _port(self) -> int | None:
        web = self.rails or self.tree.has("config.ru") or self.sources.has(_LISTENS)
        if not self.wishes.port and not (web and (self.said is None or self.said.listens)):
            return None
        usual = 3000 if self.rails else 4567 if self.bundle.has("sinatra") else 9292
        return starting.port(
            self.sources, self.wishes, self.reasons, command=self.command, patterns=_PORT,
            usual=usual,
        )  # fmt: skip

    def author(self) -> Authored:
        packages = self.needs.run | set(self.wishes.packages)
        items = blocks.paragraphs(
            *(self._build_stage() if self.bundle.exists else ()),
            [m.From(self.base)],
            [blocks.env(self._environment())],
            blocks.apt(packages, "System packages that the app needs."),
            parts.user(),
            self._content(),
            self._run(),
        )
        return Authored("Ruby", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _bundler(self) -> dict[str, object]:
        frozen = {"BUNDLE_FROZEN": "true"} if self.bundle.locked else {}
        return {"BUNDLE_WITHOUT": "development:test", **frozen}

    def _environment(self) -> dict[str, object]:
        values: dict[str, object] = dict(self._bundler()) if self.bundle.exists else {}
        if self.rails:
            values |= {"RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": 1,
                       "RAILS_SERVE_STATIC_FILES": 1}  # fmt: skip
        else:
            values |= {"APP_ENV": "production", "RACK_ENV": "production"}
        return values | ({"PORT": self.port} if self.port is not None else {})

    def _build_stage(self) -> list[list[m.Item]]:
        """Gems are compiled here; the compiler stays out of the image."""
        node = self.rails and self.tree.has("package.json")
        packages = self.needs.build | ({"nodejs", "npm"} if node else set())
        vendored = [m.Copy(("vendor/cache",), "./vendor/cache")]
        stage: list[list[m.Item]] = [
            [m.From(self.base, "build")],
            blocks.apt(packages, "Only to build; none of it is in the image that runs."),
            [
                blocks.env(self._bundler()),
                m.Workdir("/app"),
                *blocks.comment(parts.DEPENDENCIES_FIRST),
                *parts.copies(self.bundle.files()),
                *(vendored if self.tree.matching("vendor/cache/*.gem") else []),
                blocks.run("bundle install", caches=[f"{_BUNDLE}/cache"]),
            ],
        ]
        if self._has_assets():
            commands = ["npm install --no-audit --no-fund"] if node else []
            precompile = "SECRET_KEY_BASE_DUMMY=1 RAILS_ENV=production bundle exec rails"
            self.reasons.note("build", "rails assets:precompile", "there are assets", "app/assets")
            stage.append([
                parts.code(),
                blocks.run(*commands, f"{precompile} assets:precompile", "rm -rf node_modules"),
            ])  # fmt: skip
        return stage

    def _has_assets(self) -> bool:
        pipeline = self.bundle.has("sprockets-rails", "propshaft")
        return self.rails and pipeline and any(f.startswith("app/assets/") for f in self.tree.files)

    def _content(self) -> list[m.Item]:
        gems = [parts.from_build(_BUNDLE, _BUNDLE)] if self.bundle.exists else []
        if self._has_assets():
            return [*gems, parts.from_build("/app", "./", owned=True)]
        # Without a lock of the app's own, that of the build says what was installed.
        chosen = self.bundle.exists and not self.bundle.locked
        lock = [parts.from_build(f"/app/{LOCK}", "./", owned=True)] if chosen else []
        return [*gems, parts.code(owned=True), *lock]

    def _run(self) -> list[m.Item]:
        items = parts.ending(parts.UID, self.port, self._command(), self._health())
        if self.rails and not self.wishes.start:
            note = blocks.comment("A key that lasts as long as the container, if none is given.")
            return [*items[:-1], *note, items[-1]]
        return items

    def _command(self) -> str | Sequence[str]:
        if not self.rails or self.wishes.start:
            return self.command
        self.reasons.note(
            "key", "SECRET_KEY_BASE", "give it one: without, sessions end with the container",
            doubtful=True,
        )  # fmt: skip
        text = self.command if isinstance(self.command, str) else " ".join(self.command)
        steps = [_MAKE_KEY]
        if self.bundle.has("sqlite3") and self.tree.first("db/schema.rb", "db/migrate"):
            steps.append("bundle exec rails db:prepare")
        return ("sh", "-c", "; ".join([*steps, f"exec {text}"]))

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        route = self.sources.health_route()
        if self.rails and "rails/health#show" in self.tree.read("config/routes.rb"):
            route = Found("/up", "config/routes.rb", 1)
        return probes.choose(probes.ruby, route, self.reasons)
