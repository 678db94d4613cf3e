from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.kit.container_options import ContainerOptions, LogOptions, parse_ports, parse_words
from pipeline.ports.engine import Mount, Port


def options(**keys: Any) -> ContainerOptions:
    return ContainerOptions.model_validate(keys)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("8080:5000", [Port(container=5000, host_port=8080)]),
        (5000, [Port(container=5000)]),
        ("127.0.0.1:8080:80", [Port(container=80, host_port=8080, host_ip="127.0.0.1")]),
        ("[::1]:8080:80/udp", [Port(container=80, host_port=8080, host_ip="::1", protocol="udp")]),
        ("127.0.0.1::80", [Port(container=80, host_ip="127.0.0.1")]),
        (
            "8000-8001:80-81",
            [Port(container=80, host_port=8000), Port(container=81, host_port=8001)],
        ),
    ],
)
def test_ports_are_read_as_compose_reads_them(text: object, ports: list[Port]) -> None:
    assert list(parse_ports([text])) == ports


@pytest.mark.parametrize(
    "text", ["x:80", "80:70000", "0:80:", "1-3:1-2", "8080:0", "-p 80:80", "", None, 1.5, "80/sctp"]
)
def test_what_is_no_port_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"port|ranges"):
        parse_ports([text])


def test_ports_are_a_list() -> None:
    with pytest.raises(ValidationError, match="write a list"):
        options(ports="8080:80")


def test_a_command_is_split_without_a_shell() -> None:
    assert parse_words('sh -c "echo $HOME; ls"') == ("sh", "-c", "echo $HOME; ls")
    assert parse_words(["a b", 1]) == ("a b", "1")
    with pytest.raises(ValidationError, match="No closing quotation"):
        options(command='echo "')


def test_environment_takes_both_spellings_and_plain_values() -> None:
    assert options(env={"A": 1, "B": True, "C": 0.5}).env == {"A": "1", "B": "true", "C": "0.5"}
    assert options(env=["A=1=2"]).env == {"A": "1=2"}
    with pytest.raises(ValidationError, match='"A" has no value'):
        options(env=["A"])
    with pytest.raises(ValidationError):
        options(env={"A=B": "c"})


def test_secrets_are_names_or_renamed() -> None:
    assert options(secrets=["TOKEN"]).secrets == {"TOKEN": "TOKEN"}
    assert options(secrets={"DB_PASSWORD": "PG"}).secrets == {"DB_PASSWORD": "PG"}


@pytest.mark.parametrize(
    ("written", "mount"),
    [
        ("data:/var/data", Mount(kind="volume", source="data", target="/var/data")),
        ("./conf:/etc/app:ro", Mount(kind="bind", source="./conf", target="/etc/app",
                                     read_only=True)),
        ("/srv:/srv:rw", Mount(kind="bind", source="/srv", target="/srv")),
        ("/cache", Mount(kind="volume", target="/cache")),
        ({"type": "tmpfs", "target": "/tmp/x"}, Mount(kind="tmpfs", target="/tmp/x")),
        ({"source": "data", "target": "/d", "read_only": True},
         Mount(kind="volume", source="data", target="/d", read_only=True)),
    ],
)  # fmt: skip
def test_mounts(written: object, mount: Mount) -> None:
    assert options(volumes=[written]).volumes == (mount,)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("data", "absolute path"),
        ("data:relative", "absolute path"),
        ("da ta:/x", "volume's name"),
        ("a:/b:z", "ro or rw"),
        ({"target": "/x", "kind": "bind"}, "no key kind"),
        ({"type": "bind", "target": "/x"}, "has a source"),
        (7, "name:/path"),
    ],
)
def test_what_is_no_mount_is_refused(written: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        options(volumes=[written])


def test_hosts_take_all_spellings() -> None:
    wanted = {"db": "10.0.0.1", "six": "::1"}
    assert options(extra_hosts=["db:10.0.0.1", "six=::1"]).extra_hosts == wanted
    assert options(extra_hosts=wanted).extra_hosts == wanted
    with pytest.raises(ValidationError, match="has no address"):
        options(extra_hosts=["db"])


def test_restart_policies() -> None:
    assert options().restart == "unless-stopped"
    assert options(restart=False).restart == "no"  # YAML reads a bare `no` so
    assert options(restart="on-failure:3").restart == "on-failure:3"
    with pytest.raises(ValidationError, match="is not a restart policy"):
        options(restart="sometimes")


def test_health_checks_are_written_as_in_compose() -> None:
    check = options(healthcheck={"test": "curl -f localhost", "interval": "1m30s"}).healthcheck
    assert check is not None
    assert (check.test, check.interval) == (("CMD-SHELL", "curl -f localhost"), 90)
    with pytest.raises(ValidationError, match="first word is CMD"):
        options(healthcheck={"test": ["curl", "-f"]})


def test_log_rotation_is_for_dockers_own_files() -> None:
    assert options().log.options() == {"max-size": "10m", "max-file": "3"}
    assert LogOptions(driver="journald").options() == {}


def test_the_schema_names_every_key() -> None:
    properties = ContainerOptions.model_json_schema()["properties"]
    assert {"port", "ports", "env", "secrets", "volumes", "healthcheck"} <= set(properties)
