"""Go: which program, which version, which base, which port."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made

MOD = "module example.com/shop/v2\n\ngo 1.22\n"
MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
QUIET = "package main\n\nfunc main() {}\n"
REQUIRES = MOD + "\nrequire example.com/other v1.0.0\n"


def test_the_program_is_named_after_the_module(tmp_path: Path) -> None:
    assert made(tmp_path, {"go.mod": MOD, "main.go": MAIN}).command == 'CMD ["shop"]'


@pytest.mark.parametrize(
    ("line", "version", "doubtful"),
    [
        ("go 1.21", "1.26", False),
        ("go 1.27.1", "1.27", False),
        ("go 1.22\n\ntoolchain go1.27.2", "1.27", False),
        ("go 1.39", "1.39", True),
    ],
)
def test_the_version_is_current_and_not_older_than_asked(
    tmp_path: Path, line: str, version: str, doubtful: bool
) -> None:
    found = made(tmp_path, {"go.mod": f"module x\n\n{line}\n", "main.go": MAIN})
    assert found.froms[0] == f"golang:{version}"
    assert ("go" in found.doubts()) == doubtful


def test_a_pinned_version_and_a_wish_are_followed(tmp_path: Path) -> None:
    files = {"go.mod": MOD, "main.go": MAIN, ".go-version": "1.25.3\n"}
    assert made(tmp_path, files).froms[0] == "golang:1.25"
    assert made(tmp_path, files, go="1.27").froms[0] == "golang:1.27"


def test_modules_are_downloaded_before_the_code_is_there(tmp_path: Path) -> None:
    files = {"go.mod": REQUIRES, "go.sum": "x\n", "main.go": MAIN}
    text = made(tmp_path, files).text
    assert text.index("COPY go.mod go.sum ./") < text.index("go mod download")
    assert text.index("go mod download") < text.index("COPY . ./")


def test_without_sums_there_is_doubt(tmp_path: Path) -> None:
    found = made(tmp_path, {"go.mod": REQUIRES, "main.go": MAIN})
    assert "go mod tidy" in found.text
    assert "dependencies" in found.doubts()


def test_vendored_modules_are_not_downloaded(tmp_path: Path) -> None:
    files = {"go.mod": REQUIRES, "go.sum": "", "vendor/modules.txt": "", "main.go": MAIN}
    assert "go mod" not in made(tmp_path, files).text


def test_a_source_file_alone_is_enough(tmp_path: Path) -> None:
    found = made(tmp_path, {"main.go": MAIN})
    assert "go mod init app" in found.text
    assert found.command == 'CMD ["app"]'


def test_the_one_that_listens_is_the_app(tmp_path: Path) -> None:
    files = {"go.mod": MOD, "cmd/migrate/main.go": QUIET, "cmd/front/main.go": MAIN}
    found = made(tmp_path, files)
    assert "./cmd/front" in found.text
    assert "migrate" in found.why("program")


def test_the_one_that_is_named_is_the_app(tmp_path: Path) -> None:
    files = {"go.mod": MOD, "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN}
    found = made(tmp_path, files, start="two --verbose")
    assert "./cmd/two" in found.text
    assert found.command == 'CMD ["two", "--verbose"]'


def test_the_port_of_another_program_is_not_its_own(tmp_path: Path) -> None:
    api = QUIET.replace("{}", '{ http.ListenAndServe(":"+os.Getenv("PORT"), nil) }')
    found = made(tmp_path, {"go.mod": MOD, "Procfile": "web: bin/api\n", "cmd/api/main.go": api,
                            "cmd/worker/main.go": MAIN.replace("8080", "9000")})  # fmt: skip
    assert (found.command, found.port) == ('CMD ["api"]', 8080)


def test_several_that_could_be_are_named(tmp_path: Path) -> None:
    files = {"go.mod": MOD, "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN}
    with pytest.raises(StageFailed, match="one, two") as raised:
        made(tmp_path, files)
    assert "start: one" in raised.value.hint


def test_a_library_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="no program"):
        made(tmp_path, {"go.mod": MOD, "shop.go": "package shop\n"})


def test_a_worker_has_no_port(tmp_path: Path) -> None:
    found = made(tmp_path, {"go.mod": MOD, "main.go": QUIET})
    assert found.port is None
    assert "HEALTHCHECK" not in found.text


@pytest.mark.parametrize("code", ['import "C"', ""])
def test_c_needs_a_base_with_a_library(tmp_path: Path, code: str) -> None:
    mod = MOD if code else MOD + "\nrequire github.com/mattn/go-sqlite3 v1.14.22\n"
    found = made(tmp_path, {"go.mod": mod, "main.go": MAIN, "c.go": f"package main\n{code}\n"})
    assert found.froms == ["golang:1.26-trixie", "debian:trixie-slim"]
    assert "CGO_ENABLED=1" in found.text


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('port := os.Getenv("PORT")\n\tif port == "" {\n\t\tport = "8081"\n\t}\n', 8081),
        ('addr := flag.String("addr", ":8082", "where")\n', 8082),
        ('port := flag.Int("port", 8083, "where")\n', 8083),
        ('Port int `env:"PORT" envDefault:"8084"`\n', 8084),
        ('s := &http.Server{Addr: "0.0.0.0:8085"}\n', 8085),
        ('app.Listen(":8086")\n', 8086),
        ("r := gin.Default()\n\tr.Run()\n\t// github.com/gin-gonic/gin\n", 8080),
    ],
)
def test_the_port_is_what_the_code_falls_back_to(tmp_path: Path, code: str, port: int) -> None:
    main = f"package main\n\nfunc main() {{\n\t{code}\thttp.Listen()\n}}\n"
    assert made(tmp_path, {"go.mod": MOD, "main.go": main}).port == port


def test_what_only_the_container_reaches_is_told(tmp_path: Path) -> None:
    main = MAIN.replace(":8080", "localhost:8080")
    assert "address" in made(tmp_path, {"go.mod": MOD, "main.go": main}).doubts()


def test_what_is_read_at_run_time_comes_along_and_what_is_embedded_does_not(tmp_path: Path) -> None:
    embed = "//go:embed assets/*\nvar f embed.FS\n"
    main = MAIN + embed + 'var t = parse("templates/a.html", "c.json")\n'
    files = {"go.mod": MOD, "main.go": main, "assets/a.js": "", "templates/a.html": "",
             "c.json": "{}", "docs/a.md": ""}  # fmt: skip
    text = made(tmp_path, files).text
    assert "COPY --chown=10001:10001 templates ./templates" in text
    assert "COPY --chown=10001:10001 c.json ./" in text
    assert "assets" not in text
    assert "docs" not in text


def test_a_procfile_gives_arguments(tmp_path: Path) -> None:
    files = {"go.mod": MOD, "main.go": MAIN, "Procfile": "web: bin/shop -listen=:$PORT\n"}
    command = made(tmp_path, files).command
    assert command == 'CMD ["sh", "-c", "exec shop -listen=:$PORT"]'


def test_packages_need_a_base_that_has_apt(tmp_path: Path) -> None:
    found = made(tmp_path, {"go.mod": MOD, "main.go": MAIN}, packages=["ffmpeg"])
    assert found.froms[1] == "debian:trixie-slim"
    assert "ffmpeg" in found.text
