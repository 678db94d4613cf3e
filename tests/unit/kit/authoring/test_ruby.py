"""Ruby: Rails, Rack, Sinatra, scripts; versions; gems that need more than gems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.authored import made


def lock(*gems: str, more: str = "") -> str:
    return "GEM\n  specs:\n" + "".join(f"    {gem} (1.0.0)\n" for gem in gems) + more


RACK = {"config.ru": "run App\n", "Gemfile": 'gem "puma"\n', "Gemfile.lock": lock("puma", "rack")}
RAILS = {
    "Gemfile": 'gem "rails"\n', "Gemfile.lock": lock("rails", "railties", "puma", "psych"),
    "config.ru": "run Rails.application\n", "config/application.rb": "class App; end\n",
    "config/puma.rb": 'port ENV.fetch("PORT") { 3000 }\n',
    "config/routes.rb": 'get "up" => "rails/health#show"\n',
}  # fmt: skip


def test_rack_by_the_server_among_its_gems(tmp_path: Path) -> None:
    found = made(tmp_path, RACK)
    assert found.froms == ["ruby:3.4-slim-trixie"] * 2
    assert found.command == 'CMD ["sh", "-c", "exec bundle exec puma --port \\"$PORT\\""]'
    assert found.port == 9292
    text = found.text
    assert text.index("COPY Gemfile Gemfile.lock ./") < text.index("bundle install")
    build, _, run = text.partition("FROM ruby:3.4-slim-trixie\n")
    assert "build-essential" in build
    assert "build-essential" not in run
    assert "BUNDLE_WITHOUT=development:test" in run


def test_rack_without_a_server_of_its_own(tmp_path: Path) -> None:
    found = made(tmp_path, {**RACK, "Gemfile.lock": lock("rack", "rackup")})
    assert "rackup --host 0.0.0.0" in found.command


def test_without_a_lock_there_is_doubt(tmp_path: Path) -> None:
    files = {"config.ru": "run App\n", "Gemfile": 'gem "puma"\n'}
    found = made(tmp_path, files)
    assert "BUNDLE_FROZEN" not in found.text
    assert "dependencies" in found.doubts()


def test_rails(tmp_path: Path) -> None:
    found = made(tmp_path, RAILS)
    assert found.port == 3000
    assert "RAILS_ENV=production" in found.text
    assert "libyaml-dev" in found.text
    assert "'/up'" in found.text
    assert "exec bundle exec puma --config config/puma.rb" in found.command
    assert "SECRET_KEY_BASE" in found.command
    assert "assets:precompile" not in found.text


def test_rails_with_assets_and_sqlite(tmp_path: Path) -> None:
    files = {**RAILS, "app/assets/a.css": "", "db/schema.rb": "", "package.json": "{}",
             "Gemfile.lock": lock("rails", "railties", "puma", "propshaft", "sqlite3")}  # fmt: skip
    found = made(tmp_path, files)
    assert (
        "SECRET_KEY_BASE_DUMMY=1 RAILS_ENV=production bundle exec rails assets:preco" in found.text
    )
    assert "nodejs npm" in found.text
    assert "COPY --from=build --chown=10001:10001 /app ./" in found.text
    assert "rails db:prepare; exec" in found.command
    assert "libsqlite3-0" in found.text


def test_sinatra_in_one_file(tmp_path: Path) -> None:
    files = {"app.rb": 'require "sinatra"\nget("/health") { 1 }\n', "Gemfile": "",
             "Gemfile.lock": lock("sinatra", "puma")}  # fmt: skip
    found = made(tmp_path, files)
    assert (found.port, "exec bundle exec ruby app.rb -o 0.0.0.0" in found.command) == (4567, True)
    assert "'/health'" in found.text


def test_a_script_without_gems_has_one_stage(tmp_path: Path) -> None:
    found = made(tmp_path, {"worker.rb": "loop { sleep 1 }\n"})
    assert found.froms == ["ruby:3.4-slim-trixie"]
    assert (found.port, found.command) == (None, 'CMD ["ruby", "worker.rb"]')


def test_the_procfile_is_followed(tmp_path: Path) -> None:
    files = {**RACK, "Procfile": "web: bundle exec puma -p 5005\n"}
    found = made(tmp_path, files)
    assert (found.port, found.command) == (5005, 'CMD ["bundle", "exec", "puma", "-p", "5005"]')


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({".ruby-version": "ruby-3.3.5\n"}, "3.3"),
        ({".tool-versions": "ruby 3.3.1\n"}, "3.3"),
        ({"Gemfile": 'ruby "3.3.5"\n'}, "3.3.5"),
        ({"Gemfile": 'ruby "~> 3.3"\n'}, "3.3"),
        ({"Gemfile": 'ruby ">= 3.1"\n'}, "3.4"),
        ({"Gemfile": 'ruby ">= 4.0"\n'}, "4.0"),
        ({"Gemfile.lock": lock("rack", more="\nRUBY VERSION\n   ruby 3.3.0p0\n")}, "3.3"),
    ],
)
def test_the_version(tmp_path: Path, files: dict[str, str], version: str) -> None:
    found = made(tmp_path, {"config.ru": "run App\n", "Gemfile": "", **files})
    assert found.froms[0] == f"ruby:{version}-slim-trixie"


def test_gems_that_lie_in_the_app_are_taken(tmp_path: Path) -> None:
    files = {**RACK, "vendor/cache/rack-1.0.0.gem": "x"}
    assert "COPY vendor/cache ./vendor/cache" in made(tmp_path, files).text
