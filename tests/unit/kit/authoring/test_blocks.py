from __future__ import annotations

import pytest

from pipeline.kit.authoring import blocks, ports
from pipeline.kit.dockerfile import model as m


@pytest.mark.parametrize(
    ("start", "argv"),
    [
        ("gunicorn app:app", ["gunicorn", "app:app"]),
        ('gunicorn "app:create_app()"', ["gunicorn", "app:create_app()"]),
        ("run 'a b' --x=1", ["run", "a b", "--x=1"]),
        (["run", "$PORT"], ["run", "$PORT"]),
        ("uvicorn m:a --port $PORT", ["sh", "-c", "exec uvicorn m:a --port $PORT"]),
        ('run "$PORT"', ["sh", "-c", 'exec run "$PORT"']),
        ("A=1 B=2 run x", ["env", "A=1", "B=2", "run", "x"]),
        ("A=1 run $X", ["sh", "-c", "A=1 exec run $X"]),
        ("migrate && run", ["sh", "-c", "migrate && run"]),
        ("exec run $X", ["sh", "-c", "exec run $X"]),
        ("an unclosed 'quote", ["sh", "-c", "exec an unclosed 'quote"]),
    ],
)
def test_no_shell_between_the_app_and_its_signals(start: str | list[str], argv: list[str]) -> None:
    assert blocks.start_command(start) == m.ExecForm(tuple(argv))


def test_paragraphs_leave_out_what_is_empty() -> None:
    user, cmd = m.User("1"), m.Cmd(m.ShellForm("x"))
    assert blocks.paragraphs([], [user], [], [cmd]) == (user, m.Blank(), cmd)


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("run --port 8000", 8000),
        ("run --port=8001", 8001),
        ("run -p 8002", 8002),
        ("gunicorn -b 0.0.0.0:8003", 8003),
        ("run --bind=[::]:8004", 8004),
        ("manage.py runserver 0.0.0.0:8005", 8005),
        ('run --port "${PORT:-8006}"', 8006),
        ("run --port $PORT", None),
        ("run --timeout 8000", None),
    ],
)
def test_port_in_a_command(command: str, port: int | None) -> None:
    assert ports.in_command(command) == port


@pytest.mark.parametrize(
    ("cache", "mount"),
    [
        ("/root/.npm", "type=cache,target=/root/.npm"),
        ("/root/.m2", "type=cache,target=/root/.m2,sharing=locked"),
    ],
)
def test_a_cache_that_two_builds_would_spoil_is_locked(cache: str, mount: str) -> None:
    assert blocks.run("it", caches=[cache]).flags == (("mount", mount),)
