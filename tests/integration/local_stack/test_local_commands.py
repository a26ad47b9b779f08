"""`supastate local` as a person types it."""

import json
import subprocess
import sys
from collections.abc import ItemsView, Iterator
from pathlib import Path

import psutil
import pytest

from cli.local_stack import LocalStack

PROGRAM = "from cli.main import app; app()"


def _command(*words: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "local", *words]


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*words), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def up(stack: LocalStack) -> Iterator[str]:
    """The home folder of a stack that two commands started at the same moment."""
    home = str(stack.home.root)
    starts = [
        subprocess.Popen(
            _command("up", "--detach", "--servers-only", "--json", "--home", home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0, 0], outputs
    for shown, _ in outputs:
        assert _states(shown) >= {"postgres": "ready", "neo4j": "ready"}.items()
    yield home
    down = _run("down", "--json", "--home", home)
    assert (down.returncode, {state for _, state in _states(down.stdout)}) == (0, {"stopped"})


def _states(shown: str) -> ItemsView[str, str]:
    return {part["name"]: part["state"] for part in json.loads(shown)}.items()


def _command_line(process: psutil.Process) -> str:
    # A process that has ended since, or was not reaped yet, has none.
    return " ".join(process.info["cmdline"] or [])


def test_two_starts_at_once_make_one_stack(up: str, stack: LocalStack) -> None:
    servers = [
        process.pid
        for process in psutil.process_iter(["cmdline", "name"])
        if up in _command_line(process) and process.info["name"] in {"postgres", "java"}
    ]

    assert set(servers) >= {stack.state().processes["neo4j"].pid}
    assert len([pid for pid in servers if psutil.Process(pid).name() == "java"]) == 1


def test_env_evaluates_in_a_shell(up: str, stack: LocalStack) -> None:
    script = 'eval "$1"; printf "%s\\n" "$SUPASTATE_HOME" "$SUPASTATE_POSTGRES_DSN"'
    exports = _run("env", "--home", up).stdout

    shell = subprocess.run(
        ["sh", "-c", script, "sh", exports], capture_output=True, text=True, check=True
    )

    names = stack.settings()
    assert shell.stdout.splitlines() == [up, names["SUPASTATE_POSTGRES_DSN"]]


def test_env_as_json_says_the_same(up: str, stack: LocalStack) -> None:
    assert json.loads(_run("env", "--json", "--home", up).stdout) == stack.settings()


def test_status_names_states_pids_and_addresses(up: str, stack: LocalStack) -> None:
    lines = _run("status", "--home", up).stdout.splitlines()

    for name in ("postgres", "neo4j"):
        [line] = [line for line in lines if line.startswith(name)]
        record = stack.state().processes[name]
        assert {"ready", str(record.pid), f"{name}.log"} <= set(line.split())
        assert f"127.0.0.1:{record.port}" in line


def test_no_password_is_shown_by_status_or_by_the_process_list(up: str, stack: LocalStack) -> None:
    shown = _run("status", "--home", up).stdout + _run("status", "--json", "--home", up).stdout
    running = " ".join(map(_command_line, psutil.process_iter(["cmdline"])))

    for password in stack.state().passwords.values():
        assert password not in shown
        assert password not in running


def test_env_of_a_stack_that_never_started_says_how_to_start_one(tmp_path: Path) -> None:
    answer = _run("env", "--home", str(tmp_path / "none"))

    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "supastate local up" in answer.stderr
    assert not (tmp_path / "none").exists()
