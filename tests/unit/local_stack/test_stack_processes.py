"""Starting and ending detached processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local_stack.processes import (
    Launch,
    StopPlan,
    find_processes,
    identify,
    is_running,
    read_tail,
    send_signal,
    spawn,
    stop,
    wait_until_ended,
)
from cli.local_stack.state import ProcessRecord

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
KILL = StopPlan(((signal.SIGKILL, 10.0),))


class Nursery:
    """Starts Python programs that end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[ProcessRecord] = []

    def start(self, program: str, **variables: str) -> ProcessRecord:
        launch = Launch(
            argv=[sys.executable, "-c", program, "a mark"],
            cwd=self.folder,
            env=dict(os.environ) | variables,
        )
        record = spawn(launch, log=self.folder / "log", port=None)
        self.started.append(record)
        return record

    def start_and_wait(self, program: str) -> ProcessRecord:
        record = self.start(program)
        while "up" not in read_tail(record.log):
            assert is_running(record)
        return record


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path)
    yield nursery
    for record in nursery.started:
        stop(record, KILL)


def test_a_started_process_runs_in_a_session_of_its_own(nursery: Nursery) -> None:
    record = nursery.start(SLEEP)

    assert is_running(record)
    assert os.getsid(record.pid) == record.pid


def test_a_process_that_ended_is_not_running(nursery: Nursery) -> None:
    record = nursery.start("pass")

    assert wait_until_ended(record, 30)


def test_a_polite_process_ends_at_the_first_signal(nursery: Nursery) -> None:
    record = nursery.start_and_wait(SLEEP)

    assert stop(record, StopPlan(((signal.SIGTERM, 30.0),)))
    assert identify(record.pid) is None


def test_a_stubborn_process_ends_at_the_second_signal(nursery: Nursery) -> None:
    record = nursery.start_and_wait(STUBBORN)

    assert stop(record, StopPlan(((signal.SIGTERM, 0.2), (signal.SIGKILL, 30.0))))
    assert not is_running(record)


def test_another_process_with_a_remembered_pid_is_never_signalled(nursery: Nursery) -> None:
    foreign = nursery.start(SLEEP)
    stale = foreign.model_copy(update={"identity": "an earlier start"})

    assert not is_running(stale)
    assert not send_signal(stale, signal.SIGKILL)
    assert stop(stale, KILL)
    assert is_running(foreign)


def test_processes_are_found_by_argument_folder_and_environment(nursery: Nursery) -> None:
    record = nursery.start(SLEEP, STACK_MARK="one")
    nursery.start(SLEEP, STACK_MARK="two")

    found = find_processes(argument="a mark", cwd=nursery.folder, variables={"STACK_MARK": "one"})

    assert [process.pid for process in found] == [record.pid]
    assert is_running(found[0])


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(map(str, range(10_000))))

    assert read_tail(tmp_path / "log", lines=2) == "9998\n9999"
    assert read_tail(tmp_path / "absent") == ""


def test_a_large_log_is_put_aside(nursery: Nursery, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.truncate(20_000_001)

    nursery.start_and_wait(SLEEP)

    assert (tmp_path / "log.1").stat().st_size == 20_000_001
