"""Our types and the Engine API's JSON."""

from __future__ import annotations

from typing import Any

from pipeline.adapters.docker import mapping
from pipeline.ports.engine import ContainerSpec, Health, Mount, Port


def test_the_smallest_container_asks_for_nothing_else() -> None:
    body = mapping.container_body(ContainerSpec(image="sha256:1", name="x"))
    assert body["Image"] == "sha256:1"
    assert body["HostConfig"]["NetworkMode"] == "default"
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert body["HostConfig"]["Init"] is True
    absent = {"Cmd", "Entrypoint", "User", "WorkingDir", "Healthcheck", "NetworkingConfig"}
    assert not absent & set(body)
    assert not {"Memory", "NanoCpus", "PidsLimit", "LogConfig"} & set(body["HostConfig"])


def test_everything_of_a_container_reaches_the_engine() -> None:
    spec = ContainerSpec(
        image="sha256:1", name="x", command=("serve", "--port", "80"), entrypoint=(),
        environment={"A": "1=2", "EMPTY": ""},
        ports=(Port(container=80, host_port=8080, host_ip="127.0.0.1"), Port(container=80),
               Port(container=53, protocol="udp")),
        mounts=(Mount(kind="bind", source="/src", target="/dst", read_only=True),
                Mount(kind="tmpfs", target="/tmp")),
        network="net", aliases=("web",), user="1000", working_dir="/app", hostname="h",
        restart="on-failure:5", memory=64 << 20, cpus=0.5, pids=100, init=False, read_only=True,
        cap_add=("NET_ADMIN",), cap_drop=("ALL",), security_opt=("no-new-privileges",),
        extra_hosts={"db": "10.0.0.1"}, log_driver="local", log_options={"max-size": "1m"},
        stop_signal="SIGQUIT", stop_grace=30,
        health=Health(test=("CMD", "true"), interval=1.5, start_interval=0.5, retries=3),
        labels={"l": "1"},
    )  # fmt: skip
    body = mapping.container_body(spec)
    host = body["HostConfig"]
    assert body["Cmd"] == ["serve", "--port", "80"]
    assert body["Entrypoint"] == []
    assert body["Env"] == ["A=1=2", "EMPTY="]
    assert body["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert host["PortBindings"] == {
        "80/tcp": [
            {"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": ""},
        ],
        "53/udp": [{"HostIp": "", "HostPort": ""}],
    }  # fmt: skip
    assert host["Mounts"][0] == {
        "Type": "bind", "Source": "/src", "Target": "/dst", "ReadOnly": True,
    }  # fmt: skip
    assert host["Mounts"][1]["Type"] == "tmpfs"
    assert host["NetworkMode"] == "net"
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"net": {"Aliases": ["web"]}}}
    assert (body["User"], body["WorkingDir"], body["Hostname"]) == ("1000", "/app", "h")
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 5}
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (67108864, 500_000_000, 100)
    assert (host["Init"], host["ReadonlyRootfs"]) == (False, True)
    assert (host["CapAdd"], host["CapDrop"]) == (["NET_ADMIN"], ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["ExtraHosts"] == ["db:10.0.0.1"]
    assert host["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m"}}
    assert (body["StopSignal"], body["StopTimeout"]) == ("SIGQUIT", 30)
    assert body["Healthcheck"] == {
        "Test": ["CMD", "true"], "Interval": 1_500_000_000, "StartInterval": 500_000_000,
        "Retries": 3,
    }  # fmt: skip
    assert body["Labels"] == {"l": "1"}


def container(**state: Any) -> dict[str, Any]:
    return {
        "Id": "c1", "Name": "/web", "Image": "sha256:1", "Created": "2026-01-01T00:00:00Z",
        "RestartCount": 2, "State": {"Status": "running", "ExitCode": 0, **state},
        "Config": {"Image": "web:1", "Env": ["A=1=2", "BARE"], "Labels": None},
        "HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
        "NetworkSettings": {
            "Ports": {
                "80/tcp": [
                    {"HostIp": "::", "HostPort": "8080"}, {"HostIp": "0.0.0.0", "HostPort": "8080"},
                ],
                "81/tcp": [
                    {"HostIp": "0.0.0.0", "HostPort": "32768"},
                    {"HostIp": "::", "HostPort": "32769"},
                ],
                "82/tcp": [{"HostIp": "::1", "HostPort": "8082"}],
                "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
                "90/tcp": None,
            },
            "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "host": {"IPAddress": ""}},
        },
    }  # fmt: skip


def test_a_running_container() -> None:
    info = mapping.container_info(container(StartedAt="2026-01-01T00:00:01Z",
                                            FinishedAt="0001-01-01T00:00:00Z"))  # fmt: skip
    assert (info.name, info.state, info.exit_code, info.restarts) == ("web", "running", None, 2)
    assert (info.started, info.finished) == ("2026-01-01T00:00:01Z", "")
    assert info.environment == {"A": "1=2", "BARE": ""}
    assert info.labels == {}
    assert info.addresses == {"bridge": "172.17.0.2"}
    assert (info.restart, info.health) == ("always", "none")


def test_an_ipv6_twin_is_no_second_port() -> None:
    ports = mapping.container_info(container()).ports
    assert ports == (
        Port(container=80, host_port=8080, host_ip="0.0.0.0"),
        Port(container=81, host_port=32768, host_ip="0.0.0.0"),
        Port(container=82, host_port=8082, host_ip="::1"),
        Port(container=53, host_port=53, host_ip="127.0.0.1", protocol="udp"),
    )


def test_an_ended_container() -> None:
    state = {"Status": "exited", "ExitCode": 137, "OOMKilled": True, "Error": "no such file"}
    info = mapping.container_info(container(**state, Health={"Status": "unhealthy"}))
    assert (info.exit_code, info.oom_killed, info.error) == (137, True, "no such file")
    assert info.health == "unhealthy"
    assert not info.running
    assert mapping.container_info(container(Status="created")).exit_code is None


def test_an_image() -> None:
    info = mapping.image_info(
        {
            "Id": "sha256:1", "RepoTags": None, "RepoDigests": ["r@sha256:2"], "Size": 5,
            "Created": "2026-01-01T00:00:00Z", "Os": "linux", "Architecture": "arm64",
            "Variant": "v8",
            "Config": {
                "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "User": "app",
                "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000, "Retries": 0},
            },
        }
    )  # fmt: skip
    assert (info.tags, info.digests, info.platform) == ((), ("r@sha256:2",), "linux/arm64/v8")
    assert (info.ports, info.user, info.labels) == ((80,), "app", {})
    assert info.health == Health(test=("CMD", "true"), interval=30)


def test_an_engine() -> None:
    raw = {
        "ID": "i", "Name": "n", "ServerVersion": "26.1.5+dfsg1", "Architecture": "x86_64",
        "OSType": "linux", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
    }  # fmt: skip
    info = mapping.engine_info(raw, "unix:///s")
    assert (info.version, info.architecture, info.containerd_store) == ("26.1.5", "amd64", True)
    plain = mapping.engine_info({**raw, "DriverStatus": None}, "")
    assert not plain.containerd_store


def test_published_ports() -> None:
    listed: list[dict[str, Any]] = [
        {"Names": ["/web"], "Ports": [
            {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            {"PrivatePort": 81, "Type": "tcp"},
        ]},
        {"Names": ["/idle"], "Ports": []},
    ]  # fmt: skip
    assert mapping.published_ports(listed) == [
        ("web", Port(container=80, host_port=8080, host_ip="0.0.0.0"))
    ]


def test_labels_as_a_filter() -> None:
    assert mapping.label_filter({"a": "1", "b": ""}) == ["a=1", "b"]
