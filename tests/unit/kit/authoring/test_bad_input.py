"""What cannot be made a Dockerfile of is told with file and line, before anything is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from tests.support.authored import made

MAIN = "public class Main { public static void main(String[] args) {} }"


@pytest.mark.parametrize(
    ("files", "message", "where"),
    [
        ({"go.mod": "module x\n\ngo 1.99\n", "main.go": "package main\nfunc main() {}\n"},
         "nobody publishes version 1.99 of go", "go.mod:3"),
        ({"Gemfile": 'ruby "9.9.9"\ngem "sinatra"\n', "app.rb": "require 'sinatra'"},
         "nobody publishes version 9.9.9 of ruby", "Gemfile:1"),
        ({"pom.xml": "<project><artifactId>x</artifactId><properties><maven.compiler.release>99"
                     "</maven.compiler.release></properties></project>",
          "src/main/java/Main.java": MAIN}, "nobody publishes version 99 of java", "pom.xml"),
        ({"Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\n', "src/main.rs": "fn main() {}",
          "rust-toolchain.toml": '[toolchain]\nchannel = "1.999"\n'},
         "nobody publishes version 1.999 of rust", "rust-toolchain.toml:2"),
        ({"a.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"><TargetFramework>net99.0'
                      "</TargetFramework></Project>"},
         "nobody publishes version 99.0 of dotnet", "a.csproj:1"),
        ({"composer.json": '{"require": {"php": "^55"}}', "index.php": "<?php"},
         "nobody publishes version ^55 of php", "composer.json:1"),
        ({"requirements.txt": "flask\n-r missing.txt\n", "app.py": "from flask import Flask\n"},
         "requirements.txt includes missing.txt, which is not there", "requirements.txt:2"),
    ],
)  # fmt: skip
def test_it_is_told(tmp_path: Path, files: dict[str, str], message: str, where: str) -> None:
    with pytest.raises(StageFailed, match=re.escape(message)) as caught:
        made(tmp_path, files)
    assert str(caught.value.where) == where
