"""`stack.json`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.local_stack.state import StackState, StateFile


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "stack.json")


def test_only_its_owner_can_read_it(file: StateFile, tmp_path: Path) -> None:
    with file.change() as state:
        state.passwords["neo4j"] = "secret"

    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b'{"ports": 7}', b"\xff\xfe"])
def test_an_unreadable_file_counts_as_an_empty_one(
    content: bytes, file: StateFile, tmp_path: Path
) -> None:
    (tmp_path / "stack.json").write_bytes(content)

    assert file.read() == StackState()


def test_a_change_that_failed_leaves_the_file_as_it_was(file: StateFile) -> None:
    def change_and_fail() -> None:
        with file.change() as state:
            state.ports["api"] = 2
            raise RuntimeError("the process could not be started")

    with file.change() as state:
        state.ports["api"] = 1
    with pytest.raises(RuntimeError):
        change_and_fail()

    assert file.read().ports == {"api": 1}


def test_threads_do_not_overwrite_each_other(file: StateFile) -> None:
    def remember(number: int) -> None:
        with file.change() as state:
            state.ports[str(number)] = number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remember, range(50)))

    assert len(file.read().ports) == 50
