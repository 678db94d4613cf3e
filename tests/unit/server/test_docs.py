"""docs/serve.md says what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from pipeline.config.json_schema import plain_schema
from pipeline.server.config import ReportOptions, ServedProject, ServeFile
from pipeline.server.loading import load
from pipeline.server.senders import KINDS, Call, Push
from tests.unit.server.payloads import COMMIT

PAGE = (Path(__file__).parents[3] / "docs" / "serve.md").read_text()
FILES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
SCHEMA = plain_schema(ServeFile, "dockcycle serve")


@pytest.mark.parametrize("text", FILES)
def test_the_examples_are_read_and_fit_the_schema(text: str, tmp_path: Path) -> None:
    file = tmp_path / "serve.yml"
    file.write_text(text)
    assert load(file, {}).serve.projects
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(text))


def test_the_schema_refuses_what_the_server_does() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    wrong = yaml.safe_load(FILES[0]) | {"lisen": 1}
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(wrong))


@pytest.mark.parametrize("model", [ServeFile, ServedProject, ReportOptions])
def test_every_option_is_explained(model: type[BaseModel]) -> None:
    missing = {name for name in model.model_fields if f"`{name}`" not in PAGE} - {"version"}
    assert missing == set()


def test_the_signed_call_is_one_that_the_server_takes(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S)
    stub = 'curl() { printf "%s\\n" "$@" > call; }\n'
    subprocess.run(
        ["bash", "-euc", stub + script], check=True, cwd=tmp_path, timeout=60,
        env={"PATH": "/usr/bin:/bin", "COMMIT": COMMIT, "SECRET": "it's a secret"},
    )  # fmt: skip
    given = (tmp_path / "call").read_text().splitlines()
    name, _, value = given[given.index("--header") + 1].partition(": ")
    call = Call({name.lower(): value}, given[given.index("--data") + 1].encode())

    assert KINDS["generic"].recognises(call)
    assert KINDS["generic"].genuine(call, "it's a secret")
    assert KINDS["generic"].read(call).items == (Push("refs/heads/main", COMMIT),)
