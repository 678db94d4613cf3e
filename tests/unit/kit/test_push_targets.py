import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from pipeline.kit.push_targets import (
    ArchiveTarget,
    LocalTarget,
    RegistryTarget,
    Targets,
    as_targets,
    repositories,
)

ADAPTER = TypeAdapter(Targets)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("local", LocalTarget(local={})),
        ({"local": None}, LocalTarget(local={})),
        ({"local": {"port": 6000}}, LocalTarget(local={"port": 6000})),
        ("acme/hello", RegistryTarget(ref="acme/hello")),
        ("localhost:5000/hello", RegistryTarget(ref="localhost:5000/hello")),
        ({"ref": "ghcr.io/acme/hello", "tags": ["latest"]},
         RegistryTarget(ref="ghcr.io/acme/hello", tags=("latest",))),
        ({"archive": "dist/hello.tar"}, ArchiveTarget(archive="dist/hello.tar")),
    ],
)  # fmt: skip
def test_short_and_long_forms(written: object, expected: object) -> None:
    assert as_targets(ADAPTER.validate_python([written])) == (expected,)


@pytest.mark.parametrize("password", ["HUB", {"secret": "HUB"}, "{secret:HUB}"])
def test_a_password_is_named_in_any_of_these_ways(password: object) -> None:
    (target,) = as_targets(
        ADAPTER.validate_python([{"ref": "a/b", "username": "ada", "password": password}])
    )
    assert isinstance(target, RegistryTarget) and target.password == "HUB"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ([], "an empty list pushes nowhere"),
        (["Acme/Hello"], "lower case"),
        (["https://ghcr.io/a"], "without https://"),
        (["--help"], "does not begin with a dash"),
        ([f"a@sha256:{'0' * 64}"], "has a digest"),
        (["local", "local"], "local is there twice"),
        (["a/b", {"ref": "a/b", "tags": ["x"]}], "a/b is there twice"),
        ([{"ref": "a:1", "tags": ["x"]}], "the tag is in `ref:` already"),
        ([{"ref": "a", "tags": ["{comit}"]}], "Did you mean `commit`?"),
        ([{"ref": "a", "username": "ada"}], "go together"),
        ([{"ref": "a", "password": "HUB"}], "go together"),
        ([{"ref": "a", "user": "ada"}], "Extra inputs"),
        ([{"local": {"prot": 1}}], "Extra inputs"),
        ([{"local": {"port": 0}}], "is not a port"),
        ([{"archive": ""}], "at least 1 character"),
        ([{}], "Field required"),
    ],
)
def test_mistakes_are_refused_with_a_reason(written: object, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(written)
    assert reason in str(caught.value)


@pytest.mark.parametrize("password", ["correct horse", {"secret": "a b"}, 12345, ["x"]])
def test_a_password_that_is_written_down_is_refused_and_not_shown(password: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python([{"ref": "a", "username": "ada", "password": password}])
    (error,) = caught.value.errors()
    assert "is not written here but named" in error["msg"]
    assert "correct horse" not in error["msg"]


def test_the_schema_takes_both_forms() -> None:
    validator = Draft202012Validator(ADAPTER.json_schema())
    assert validator.is_valid(["local", {"local": {"port": 1}}, {"ref": "a/b"}, {"archive": "x"}])
    assert not validator.is_valid([{"reff": "a/b"}])


@pytest.mark.parametrize(
    ("pattern", "services", "expected"),
    [
        ("ghcr.io/a/b", ["app"], {"app": "ghcr.io/a/b"}),
        ("ghcr.io/a/b:1", ["app"], {"app": "ghcr.io/a/b:1"}),
        ("localhost:5000/b", ["x", "y"], {"x": "localhost:5000/b-x", "y": "localhost:5000/b-y"}),
        ("localhost:5000/b:1", ["x", "y"],
         {"x": "localhost:5000/b-x:1", "y": "localhost:5000/b-y:1"}),
        ("ghcr.io/a/{service}", ["app"], {"app": "ghcr.io/a/app"}),
        ("ghcr.io/{service}/b", ["Web_", "y"],
         {"Web_": "ghcr.io/web/b", "y": "ghcr.io/y/b"}),
        ("acme/b", ["app"], {"app": "docker.io/acme/b"}),
    ],
)  # fmt: skip
def test_repositories_of_services(
    pattern: str, services: list[str], expected: dict[str, str]
) -> None:
    assert {k: str(v) for k, v in repositories(pattern, services).items()} == expected
