"""Dockerfiles for PHP: Apache with PHP in it, on ``PORT``, for any user."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from pipeline.kit.authoring import blocks, parts, probes, starting
from pipeline.kit.authoring.contract import Authored, Reasons, Wishes
from pipeline.kit.authoring.php import FILE, ROOTS
from pipeline.kit.authoring.php.composer import LOCK, Composer, Extensions
from pipeline.kit.authoring.sources import Found, Sources
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.dockerfile import model as m

_UID = "33"
"""www-data, under whom Debian's Apache runs."""
_OWN = (("chown", f"{_UID}:{_UID}"),)
_PORT = 8080
_CACHE = "/tmp/cache"  # noqa: S108 - where the image of Composer keeps it
_NODE = "node:22-slim"
_KEYS = {
    "laravel": ("APP_KEY", "php artisan key:generate --show"),
    "symfony": ("APP_SECRET", "php -r 'echo bin2hex(random_bytes(16));'"),
}
"""The variable without which nothing works, and how to make one that lasts as long as a start."""


def author(tree: Tree, wishes: Wishes) -> Authored:
    """The Dockerfile for an app that was recognised."""
    return _Author(tree, wishes).author()


class _Author:
    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self.tree = tree
        self.wishes = wishes
        self.reasons = Reasons()
        self.composer = Composer(tree)
        self.version = self.composer.version(wishes, self.reasons)
        self.laravel = tree.has("artisan") and "laravel/framework" in self.composer.required
        self.symfony = "symfony/framework-bundle" in self.composer.required
        found = (path for path in tree.files if path.endswith(".php") and "vendor/" not in path)
        self.sources = Sources(tree, found)
        self.root = self._root()
        self.said = starting.said(tree, wishes, self.reasons)
        self.serves = self.root is not None and self._is_served()
        self.extensions = self._extensions()
        self.assets = self._assets_stage()
        self.port = wishes.port or (_PORT if self.serves else None)
        because = "asked for by `port:`" if wishes.port else "above 1024, so that no root is needed"
        self.reasons.note("port", self.port or "none", because)

    def _root(self) -> str | None:
        """The folder that is served: the first with an index.php."""
        for root in ROOTS:
            index = posixpath.join(root, "index.php")
            if self.tree.has(index):
                self.reasons.note("document root", root or ".", "it has an index.php", index)
                return root
        return None

    def _is_served(self) -> bool:
        """By Apache, unless a command of the user's own says otherwise; those that start PHP's
        development server, or what Heroku has for it, mean the same thing."""
        text = self.said.text if self.said else ""
        return not text or "apache2" in text or "php -S" in text or "artisan serve" in text

    def _extensions(self) -> Extensions:
        more = ["pdo_mysql"] if self.laravel else []
        if self.serves and self.version < "8.5":  # from then on it is a part of PHP
            more.append("opcache")
        code = self.sources
        if code.has(re.compile(r"new PDO\(\s*[\"']mysql:")):
            more.append("pdo_mysql")
        if code.has(re.compile(r"new PDO\(\s*[\"']pgsql:")):
            more.append("pdo_pgsql")
        if code.has(re.compile(r"\bmysqli_connect\(|new mysqli\(")):
            more.append("mysqli")
        return self.composer.extensions(self.reasons, *more)

    def author(self) -> Authored:
        kind = "apache" if self.serves else "cli"
        items = blocks.paragraphs(
            *self._vendor_stage(),
            *self.assets,
            [m.From(f"php:{self.version}-{kind}-trixie")],
            *self._installed(),
            self._configuration(),
            self._settings(),
            [m.Workdir("/var/www/html" if self.serves else "/app")],
            self._content(),
            self._run(),
        )
        return Authored("PHP", m.Dockerfile(items), tuple(self.reasons.found), self.port)

    def _vendor_stage(self) -> list[list[m.Item]]:
        if not self.composer.has_packages:
            return []
        install = (
            "composer install --no-dev --no-interaction --no-progress --no-scripts "
            "--prefer-dist --ignore-platform-reqs"
        )
        dump = (
            "composer dump-autoload --no-dev --no-interaction --no-scripts --optimize "
            "--ignore-platform-reqs"
        )
        if self.composer.locked:
            first: list[str] = []
            self.reasons.note("dependencies", "composer install", "as the lock has them", LOCK)
        else:
            # Without a lock Composer would choose for the version that it runs on itself.
            first = [f"composer config platform.php {self.version}.99"]
            because = "there is no composer.lock, so versions may differ from build to build"
            self.reasons.note("dependencies", "composer install", because, FILE, doubtful=True)
        head: list[m.Item] = [m.From("composer:2", "vendor"), m.Workdir("/app")]
        if self.composer.needs_code:
            whole = f"{install} --optimize-autoloader"
            return [[*head, parts.code(), blocks.run(*first, whole, caches=[_CACHE])]]
        files = [FILE, *([LOCK] if self.composer.locked else [])]
        return [
            [
                *head,
                *blocks.comment(parts.DEPENDENCIES_FIRST),
                m.Copy(tuple(files), "./"),
                blocks.run(*first, f"{install} --no-autoloader", caches=[_CACHE]),
            ],
            [parts.code(), blocks.run(dump)],
        ]

    def _assets_stage(self) -> list[list[m.Item]]:
        """What Vite or Mix makes for the browser."""
        scripts = self.tree.json("package.json").get("scripts")
        if not (self.laravel and isinstance(scripts, dict) and "build" in scripts):
            return []
        self.reasons.note("assets", "npm run build", "scripts.build", "package.json")
        lock = self.tree.has("package-lock.json")
        files = ("package.json", *(["package-lock.json"] if lock else []))
        verb = "ci" if lock else "install"
        return [
            [
                m.From(_NODE, "assets"),
                m.Workdir("/app"),
                m.Copy(files, "./"),
                blocks.run(f"npm {verb} --no-audit --no-fund", caches=["/root/.npm"]),
            ],
            [parts.code(), blocks.run("npm run build")],
        ]

    def _installed(self) -> list[list[m.Item]]:
        """Extensions, and the packages that they and the app need."""
        extensions = self.extensions
        run = {*extensions.run, *self.wishes.packages}
        why = "System packages that the app needs."
        if not (extensions.compiled or extensions.pecl):
            return [blocks.apt(run, why)]
        configure = ["docker-php-ext-configure gd --with-freetype --with-jpeg"]
        names = " ".join(extensions.pecl)
        commands = [
            *(configure if "gd" in extensions.compiled else []),
            *([f'docker-php-ext-install -j"$(nproc)" {" ".join(extensions.compiled)}']
              if extensions.compiled else []),
            *([f"pecl install {names}", f"docker-php-ext-enable {names}"] if names else []),
        ]  # fmt: skip
        if not extensions.build:
            return [blocks.apt(run, why), [blocks.run(*commands)]]
        packages = " ".join(extensions.build)
        return [blocks.apt(run, why), [
            *blocks.comment("What only compiling needs goes in the same step.",
                            "hadolint ignore=DL3008"),
            blocks.run(
                "apt-get update",
                f"apt-get install --yes --no-install-recommends {packages}",
                *commands,
                f"apt-get purge --yes --auto-remove {packages}",
                "rm -rf /var/lib/apt/lists/*",
            ),
        ]]  # fmt: skip

    def _configuration(self) -> list[m.Item]:
        commands = ['cp "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"']
        if self.serves:
            root = posixpath.join("/var/www/html", self.root or "")
            site = "/etc/apache2/sites-available/000-default.conf"
            moved = f"; s,/var/www/html,{root}," if self.root else ""
            commands += [
                r'sed -i "s/^Listen 80/Listen \${PORT}/" /etc/apache2/ports.conf',
                r'sed -i "s/:80>/:\${PORT}>/' + f'{moved}" {site}',
                "a2enmod rewrite",
            ]
        comment = (
            "Settings for production; Apache itself puts PORT in, so that it needs no root."
            if self.serves
            else "Settings for production."
        )
        return [*blocks.comment(comment), blocks.run(*commands)]

    def _settings(self) -> list[m.Item]:
        values: dict[str, object] = {}
        if self.laravel:
            values = {"APP_ENV": "production", "LOG_CHANNEL": "stderr", "SESSION_DRIVER": "cookie",
                      "CACHE_STORE": "file", "QUEUE_CONNECTION": "sync"}  # fmt: skip
        elif self.symfony:
            values = {"APP_ENV": "prod", "APP_DEBUG": 0}
        if self.port is not None:
            values["PORT"] = self.port
        return [blocks.env(values)] if values else []

    def _content(self) -> list[m.Item]:
        items: list[m.Item] = [m.Copy((".",), "./", flags=_OWN)]
        if self.symfony:
            items += [*blocks.comment("Symfony wants the file; what is set here wins over it."),
                      blocks.run("touch .env")]  # fmt: skip
        if self.composer.has_packages:
            items.append(m.Copy(("/app/vendor",), "./vendor", flags=(("from", "vendor"), *_OWN)))
        if self.assets:
            flags = (("from", "assets"), *_OWN)
            items.append(m.Copy(("/app/public/build",), "./public/build", flags=flags))
        return items

    def _run(self) -> list[m.Item]:
        items = parts.ending(_UID, self.port, self._command(), self._health())
        if self.serves and (self.laravel or self.symfony):
            note = blocks.comment("A key that lasts as long as the container, if none is given.")
            return [*items[:-1], *note, items[-1]]
        return items

    def _command(self) -> str | Sequence[str]:
        if self.said and not self.serves:
            return self.said.command
        if self.laravel or self.symfony:
            name, make = _KEYS["laravel" if self.laravel else "symfony"]
            because = "give it one: without, sessions end with the container"
            self.reasons.note("key", name, because, doubtful=True)
            return ("sh", "-c", f'export {name}="${{{name}:-$({make})}}"; exec apache2-foreground')
        if self.serves:
            return ("apache2-foreground",)
        script = self.tree.first("main.php", "index.php", "server.php", "worker.php", "app.php")
        chosen = script or next(iter(self.tree.matching("*.php")), "index.php")
        self.reasons.note("start", f"php {chosen}", "the script that is there", chosen)
        return ("php", chosen)

    def _health(self) -> Sequence[str] | None:
        if self.port is None:
            return None
        route = self.sources.health_route()
        if self.laravel and route is None and self.tree.has("bootstrap/app.php"):
            route = Found("/up", "bootstrap/app.php", 1)
        return probes.choose(probes.php, route, self.reasons)
