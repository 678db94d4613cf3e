"""Rust: crates, programs, stubs for the dependencies, system packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made

CARGO = '[package]\nname = "shop"\nversion = "0.1.0"\n'
MAIN = 'fn main() { TcpListener::bind("0.0.0.0:3000"); }\n'
QUIET = "fn main() {}\n"
LOCK = "version = 4\n"


def lock(*crates: str) -> str:
    listed = (f'[[package]]\nname = "{name}"\nversion = "1.0.0"\n' for name in crates)
    return LOCK + "".join(listed)


def test_one_crate(tmp_path: Path) -> None:
    found = made(tmp_path, {"Cargo.toml": CARGO, "Cargo.lock": LOCK, "src/main.rs": MAIN})
    assert found.froms == ["rust:1-slim-trixie", "debian:trixie-slim"]
    assert "cargo build --release --locked --bin shop" in found.text
    assert (found.port, found.command) == (3000, 'CMD ["shop"]')


def test_without_a_lock_there_is_doubt(tmp_path: Path) -> None:
    found = made(tmp_path, {"Cargo.toml": CARGO, "src/main.rs": MAIN})
    assert "--locked" not in found.text
    assert "dependencies" in found.doubts()


def test_every_file_that_cargo_wants_is_there_as_a_stub(tmp_path: Path) -> None:
    cargo = CARGO + (
        '[lib]\npath = "lib/lib.rs"\n[[bin]]\nname = "shop"\npath = "app/shop.rs"\n'
        '[[bench]]\nname = "speed"\n'
    )
    files = {"Cargo.toml": cargo, "lib/lib.rs": "", "app/shop.rs": MAIN, "benches/speed.rs": "",
             "build.rs": QUIET, "src/bin/tool.rs": QUIET}  # fmt: skip
    text = made(tmp_path, files).text
    assert "touch lib/lib.rs" in text
    assert "for it in build.rs app/shop.rs benches/speed.rs src/bin/tool.rs; do" in text


def test_a_workspace_with_a_pattern_and_a_path_outside_of_its_members(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/old"]\n',
        "crates/web/Cargo.toml": CARGO + '[dependencies]\ncore = { path = "../../libs/core" }\n',
        "crates/web/src/main.rs": MAIN,
        "crates/old/Cargo.toml": CARGO.replace("shop", "old"),
        "crates/old/src/main.rs": MAIN,
        "libs/core/Cargo.toml": CARGO.replace("shop", "core"),
        "libs/core/src/lib.rs": "",
    }
    text = made(tmp_path, files).text
    assert "COPY crates/web/Cargo.toml ./crates/web/" in text
    assert "COPY libs/core/Cargo.toml ./libs/core/" in text
    assert "crates/old" not in text
    assert "--package shop --bin shop" in text


def test_the_program_that_default_run_names(tmp_path: Path) -> None:
    cargo = CARGO.rstrip("\n") + '\ndefault-run = "b"\n'
    files = {"Cargo.toml": cargo, "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN}
    assert made(tmp_path, files).command == 'CMD ["b"]'


def test_several_that_could_be_are_named(tmp_path: Path) -> None:
    files = {"Cargo.toml": CARGO, "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN}
    with pytest.raises(StageFailed, match="a, b"):
        made(tmp_path, files)
    assert made(tmp_path, files, start="b --fast").command == 'CMD ["b", "--fast"]'


def test_a_library_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="no program"):
        made(tmp_path, {"Cargo.toml": CARGO, "src/lib.rs": ""})


@pytest.mark.parametrize(
    ("name", "text", "tag", "suite"),
    [
        ("rust-toolchain.toml", '[toolchain]\nchannel = "1.95.0"\n', "1.95", "trixie"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "stable"\n', "1", "trixie"),
        ("rust-toolchain", "1.75\n", "1.75", "bookworm"),
    ],
)
def test_the_toolchain_is_that_of_the_image(
    tmp_path: Path, name: str, text: str, tag: str, suite: str
) -> None:
    files = {"Cargo.toml": CARGO, "src/main.rs": MAIN, name: text}
    found = made(tmp_path, files)
    assert found.froms == [f"rust:{tag}-slim-{suite}", f"debian:{suite}-slim"]
    assert "RUSTUP_TOOLCHAIN=$RUST_VERSION" in found.text


def test_a_toolchain_without_an_image_is_told(tmp_path: Path) -> None:
    channel = '[toolchain]\nchannel = "nightly-2026-01-01"\n'
    files = {"Cargo.toml": CARGO, "src/main.rs": MAIN, "rust-toolchain.toml": channel}
    found = made(tmp_path, files)
    assert found.froms[0] == "rust:1-slim-trixie"
    assert "rust" in found.doubts()


def test_crates_that_need_system_packages(tmp_path: Path) -> None:
    files = {"Cargo.toml": CARGO, "src/main.rs": MAIN, "Cargo.lock": lock("openssl-sys", "pq-sys")}
    build, _, run = made(tmp_path, files).text.partition("FROM debian")
    assert "libpq-dev libssl-dev pkg-config" in build
    assert "libpq5 libssl3t64" in run


def test_openssl_from_its_sources_needs_none(tmp_path: Path) -> None:
    locked = lock("openssl-sys", "openssl-src")
    files = {"Cargo.toml": CARGO, "src/main.rs": MAIN, "Cargo.lock": locked}
    assert "libssl" not in made(tmp_path, files).text


def test_rocket_takes_its_own_variables(tmp_path: Path) -> None:
    main = "#[launch]\nfn rocket() -> _ { rocket::build() }\n"
    found = made(tmp_path, {"Cargo.toml": CARGO, "src/main.rs": main})
    assert found.port == 8000
    assert "ROCKET_ADDRESS=0.0.0.0" in found.text
    assert found.command == 'CMD ["sh", "-c", "ROCKET_PORT=$PORT exec shop"]'


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('std::env::var("PORT").unwrap_or_else(|_| "3001".to_string())', 3001),
        ('env::var("PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(3002)', 3002),
        ('.bind(("0.0.0.0", 3003))', 3003),
        ("SocketAddr::from(([0, 0, 0, 0], 3004))", 3004),
        ("", 8080),
    ],
)
def test_the_port(tmp_path: Path, code: str, port: int) -> None:
    main = f"fn main() {{ TcpListener::x(); {code} }}\n"
    assert made(tmp_path, {"Cargo.toml": CARGO, "src/main.rs": main}).port == port


def test_what_only_the_container_reaches_is_told(tmp_path: Path) -> None:
    main = 'fn main() { HttpServer::new(x).bind(("127.0.0.1", 8080)) }\n'
    assert "address" in made(tmp_path, {"Cargo.toml": CARGO, "src/main.rs": main}).doubts()


def test_a_worker_has_no_port(tmp_path: Path) -> None:
    assert made(tmp_path, {"Cargo.toml": CARGO, "src/main.rs": QUIET}).port is None


def test_a_broken_manifest_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"Cargo\.toml cannot be read") as raised:
        made(tmp_path, {"Cargo.toml": "[package]\nname = \n"})
    assert raised.value.where is not None
    assert raised.value.where.line == 2
