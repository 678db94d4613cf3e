"""PHP: what is served, which extensions, what Composer installs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.kit.authoring.php.composer import allows
from tests.support.authored import made

INDEX = {"index.php": "<?php echo 1;\n"}


def composer(**content: object) -> str:
    return json.dumps(content)


def test_plain_files_are_served_by_apache(tmp_path: Path) -> None:
    found = made(tmp_path, INDEX)
    assert found.froms == ["php:8.4-apache-trixie"]
    assert (found.port, found.command) == (8080, 'CMD ["apache2-foreground"]')
    assert "/var/www/html," not in found.text


@pytest.mark.parametrize("root", ["public", "web", "htdocs", "src"])
def test_the_document_root(tmp_path: Path, root: str) -> None:
    text = made(tmp_path, {f"{root}/index.php": "<?php\n"}).text
    assert f"s,/var/www/html,/var/www/html/{root}," in text


def test_composer_installs_before_the_code_is_there(tmp_path: Path) -> None:
    require = composer(require={"php": "^8.2", "monolog/monolog": "^3"})
    found = made(tmp_path, {**INDEX, "composer.json": require, "composer.lock": "{}"})
    text = found.text
    assert found.froms == ["composer:2", "php:8.4-apache-trixie"]
    assert text.index("COPY composer.json composer.lock") < text.index("composer install --no-dev")
    assert text.index("composer install") < text.index("composer dump-autoload")
    assert "--from=vendor --chown=33:33 /app/vendor ./vendor" in text
    assert "dependencies" not in found.doubts()


def test_without_a_lock_composer_chooses_for_the_version_that_runs(tmp_path: Path) -> None:
    found = made(tmp_path, {**INDEX, "composer.json": composer(require={"a/b": "*"})}, php="8.3")
    assert "composer config platform.php 8.3.99" in found.text
    assert "dependencies" in found.doubts()


def test_extensions_of_the_app_and_of_its_packages(tmp_path: Path) -> None:
    lock = composer(packages=[{"name": "a/b", "require": {"ext-gd": "*", "ext-json": "*"}}])
    require = composer(require={"ext-redis": "*", "ext-mbstring": "*", "a/b": "*"})
    text = made(tmp_path, {**INDEX, "composer.json": require, "composer.lock": lock}).text
    assert 'docker-php-ext-install -j"$(nproc)" gd opcache' in text
    assert "docker-php-ext-configure gd --with-freetype --with-jpeg" in text
    assert "pecl install redis" in text
    assert "libpng16-16t64" in text
    assert "apt-get purge --yes --auto-remove libfreetype-dev" in text


def test_extensions_that_the_code_needs(tmp_path: Path) -> None:
    text = made(tmp_path, {"index.php": "<?php new PDO('mysql:host=db');\n"}).text
    assert "opcache pdo_mysql" in text


@pytest.mark.parametrize(
    ("wanted", "version", "allowed"),
    [
        ("^8.2", "8.4", True), ("^8.2", "8.1", False), ("^7.4", "8.4", False),
        ("^7.4 || ^8.0", "8.4", True), ("^7.4|^8.3", "8.2", False), (">=8.1", "8.4", True),
        (">= 8.1 <8.4", "8.4", False), (">=8.1,<8.4", "8.3", True), ("~8.3.0", "8.4", False),
        ("~8.2", "8.4", True), ("8.3.*", "8.3", True), ("8.*", "8.4", True), ("*", "8.4", True),
    ],
)  # fmt: skip
def test_constraints(wanted: str, version: str, allowed: bool) -> None:
    assert allows(wanted, version) == allowed


def test_laravel(tmp_path: Path) -> None:
    files = {
        "artisan": "#!/usr/bin/env php\n",
        "public/index.php": "<?php\n",
        "bootstrap/app.php": "<?php\n",
        "composer.json": composer(require={"php": "^8.2", "laravel/framework": "^12"}),
        "package.json": json.dumps({"scripts": {"build": "vite build"}}),
    }
    found = made(tmp_path, files)
    assert "LOG_CHANNEL=stderr" in found.text
    assert "npm run build" in found.text
    assert "COPY --from=assets --chown=33:33 /app/public/build ./public/build" in found.text
    assert "/up" in found.text
    assert "php artisan key:generate --show" in found.command
    assert "key" in found.doubts()


def test_symfony(tmp_path: Path) -> None:
    require = composer(require={"symfony/framework-bundle": "^7"})
    found = made(tmp_path, {"public/index.php": "<?php\n", "composer.json": require})
    assert "APP_ENV=prod" in found.text
    assert "touch .env" in found.text


def test_a_script_without_a_page_is_a_worker(tmp_path: Path) -> None:
    found = made(tmp_path, {"worker.php": "<?php while (true) { sleep(1); }\n"})
    assert found.froms == ["php:8.4-cli-trixie"]
    assert (found.port, found.command) == (None, 'CMD ["php", "worker.php"]')


def test_a_procfile_with_the_development_server_means_apache(tmp_path: Path) -> None:
    files = {**INDEX, "Procfile": "web: php -S 0.0.0.0:$PORT -t .\n"}
    assert made(tmp_path, files).command == 'CMD ["apache2-foreground"]'


def test_a_command_of_the_users_own(tmp_path: Path) -> None:
    found = made(tmp_path, INDEX, start="php index.php --serve", port=9000)
    assert found.froms == ["php:8.4-cli-trixie"]
    assert (found.port, found.command) == (9000, 'CMD ["php", "index.php", "--serve"]')
