"""What a container was told when it was made, and what really runs in it."""

from __future__ import annotations

import pytest

from pipeline.kit.capture.processes import Process, is_idle, parse, services
from pipeline.ports.engine import Port, Settings
from tests.support.containers import captured


def lines(**more: object) -> list[str]:
    return captured({}, **more).recipe.dockerfile.splitlines()


def test_variables_but_no_secrets() -> None:
    found = captured(
        {}, environment={"MODE": "a $b", "DB_PASSWORD": "hunter2", "URL": "x://me:pw@db"},
        image=Settings(environment={"PATH": "/bin"}),
    )  # fmt: skip
    dockerfile = found.recipe.dockerfile
    assert 'ENV MODE="a \\$b"' in dockerfile
    assert "# Variables that look like secrets are left out: DB_PASSWORD, URL" in dockerfile
    assert "hunter2" not in dockerfile and "x://me" not in dockerfile


def test_what_a_dockerfile_cannot_say_is_left_out_and_told() -> None:
    found = captured({}, environment={"A": "1", "B": "x\nUSER root"}).recipe.dockerfile
    assert "ENV A=1" in found
    assert "# Left out, a Dockerfile cannot say their values: B" in found
    assert "USER" not in found


def test_ports_are_exposed_and_the_rest_is_told_for_docker_run() -> None:
    port = Port(container=80, host_port=8080, host_ip="127.0.0.1")
    found = captured({}, ports=(port,))
    assert "EXPOSE 80" in found.recipe.dockerfile
    assert found.run_options == ["-p", "127.0.0.1:8080:80"]


def test_the_command_of_a_container_that_does_something() -> None:
    assert 'CMD ["python", "app.py"]' in lines(command=("python", "app.py"))


def test_what_was_started_by_hand_is_what_it_is_for() -> None:
    found = lines(
        runs="7|0|/|nginx: master process nginx\n8|7|/|nginx: worker process\n20|0|/|bash\x1f\n"
    )
    assert 'CMD ["nginx", "-g", "daemon off;"]' in found


def test_a_program_is_started_where_it_was_and_by_its_own_name() -> None:
    argv = "\x1f".join(["/usr/bin/python3", "/usr/local/bin/gunicorn", "app:app"])
    found = lines(runs=f"7|0|/opt/app|{argv}\n9|0|/|\x1fcron\n")
    assert "# It also ran `cron`: one container starts one program." in found
    assert 'CMD ["/usr/local/bin/gunicorn", "app:app"]' in found
    assert "WORKDIR /opt/app" in found


def test_a_program_that_leaves_is_told_to_stay() -> None:
    assert 'CMD ["httpd", "-f", "-h", "/www"]' in lines(runs="7|1|/|httpd\x1f-h\x1f/www\n")
    found = lines(runs="7|1|/|/opt/own\x1f-d\n")
    assert "# If it goes to the background, tell it to stay in the foreground." in found
    assert 'CMD ["/opt/own", "-d"]' in found


def test_nothing_runs_and_nothing_is_made_up() -> None:
    found = lines()
    assert "# It was kept open by a shell: say here what it is to run." in found
    assert found[-1] == 'CMD ["sleep", "infinity"]'


@pytest.mark.parametrize(
    ("argv", "idle"),
    [
        (("bash",), True),
        (("sh", "-c", "sleep infinity"), True),
        (("tail", "-f", "/dev/null"), True),
        (("docker-entrypoint.sh", "bash"), True),
        (("docker-entrypoint.sh", "node", "a.js"), False),
        (("sh", "-c", "python app.py"), False),
        ((), True),
    ],
)
def test_what_only_keeps_a_container_open(argv: tuple[str, ...], idle: bool) -> None:
    assert is_idle(argv) is idle


def test_processes_are_told_apart() -> None:
    found = parse("30\n1|0|/|sleep\x1finfinity\n7|0|/srv|node\x1fa.js\n8|7|/srv|node\x1fb.js\n"
                  "30|0|/|sh\x1f-c\n31|30|/|sed\nodd\n")  # fmt: skip
    assert [process.id for process in found] == [1, 7, 8]
    assert services(found) == [Process(7, 0, "/srv", ("node", "a.js"))]
