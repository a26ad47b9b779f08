"""The whole stack on this machine: servers, migrations, key, services, supervision."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from cli.local_stack import LocalStack
from cli.local_stack.processes import is_running, wait_until_ended

pytestmark = pytest.mark.system

PATIENCE_SECONDS = 120.0
PARTS = {"postgres", "neo4j", "api", "ingest", "patterns", "summaries"}
PROGRAM = "from cli.main import app; app()"


def _wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _ready(stack: LocalStack) -> set[str]:
    return {line.name for line in stack.status() if line.state == "ready"}


@pytest.fixture
def running(stack: LocalStack) -> LocalStack:
    stack.start()
    return stack


@pytest.fixture
def foreground(running: LocalStack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`supastate local up` in a terminal of its own, once everything is ready.

    One part is missing when it starts: else it would have nothing to do and end.
    """
    running.kill_service("summaries")
    command = [sys.executable, "-c", PROGRAM, "local", "up", "--home", str(running.home.root)]
    output = tmp_path / "terminal"
    with output.open("wb") as terminal:
        process = subprocess.Popen(command, stdout=terminal, stderr=terminal)
    try:
        assert _wait_for(lambda: "Ctrl-C" in output.read_text() or process.poll() is not None)
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_default_key_opens_the_api(running: LocalStack) -> None:
    names = running.settings()

    answer = httpx.get(
        f"{names['SUPASTATE_API_URL']}/api/patterns",
        headers={"Authorization": f"Bearer {names['SUPASTATE_API_KEY']}"},
        trust_env=False,
    )

    assert answer.status_code == HTTPStatus.OK
    assert _ready(running) == PARTS


def test_a_second_start_keeps_processes_and_key(running: LocalStack) -> None:
    before = running.state()

    assert running.start() is False
    assert running.state() == before


def test_a_killed_service_is_reported_and_comes_back(running: LocalStack) -> None:
    before = running.state().processes["ingest"]
    running.kill_service("ingest")
    assert wait_until_ended(before, PATIENCE_SECONDS)
    assert [line.state for line in running.status() if line.name == "ingest"] == ["died"]

    assert running.start_service("ingest") is True

    after = running.state().processes["ingest"]
    assert after.port == before.port
    assert is_running(after)


def test_services_that_no_file_remembers_are_replaced(running: LocalStack) -> None:
    state = running.state()
    forgotten = {name: state.processes.pop(name) for name in PARTS - {"postgres", "neo4j"}}
    running.home.state_file.write_text(state.model_dump_json())

    running.start()

    assert not any(is_running(record) for record in forgotten.values())
    assert _ready(running) == PARTS


def test_the_foreground_starts_again_what_dies(
    stack: LocalStack, foreground: subprocess.Popen[bytes]
) -> None:
    killed = stack.state().processes["api"]
    stack.kill_service("api")

    assert _wait_for(lambda: stack.state().processes.get("api") not in (None, killed))
    assert _wait_for(lambda: _ready(stack) == PARTS)
    assert foreground.poll() is None


def test_what_a_killed_foreground_left_is_used_again(
    stack: LocalStack, foreground: subprocess.Popen[bytes]
) -> None:
    before = stack.state().processes
    foreground.kill()
    foreground.wait()

    assert stack.start() is False
    assert stack.state().processes == before


def test_a_signal_to_the_foreground_stops_everything(
    stack: LocalStack, foreground: subprocess.Popen[bytes]
) -> None:
    before = stack.state().processes
    foreground.send_signal(signal.SIGTERM)

    assert foreground.wait(PATIENCE_SECONDS) == 0
    assert not any(is_running(record) for record in before.values())


def test_down_ends_the_foreground_too(
    stack: LocalStack, foreground: subprocess.Popen[bytes]
) -> None:
    stack.stop()

    assert foreground.wait(PATIENCE_SECONDS) == 0
    assert _ready(stack) == set()
