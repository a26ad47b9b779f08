"""A worker gives way to what people wait for: by its own niceness and its session's."""

import subprocess
import sys
from pathlib import Path

import pytest

GROUPS = Path("/proc/self/autogroup")
TELL = (
    "import os; from pathlib import Path; from shared.giving_way import give_way; give_way({});"
    "print(os.nice(0)); group = Path('/proc/self/autogroup');"
    "print(group.read_text().split()[-1] if group.exists() else '')"
)


def tell(niceness: int, *, leads: bool) -> tuple[int, str]:
    told = subprocess.run(
        [sys.executable, "-c", TELL.format(niceness)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=leads,
    )
    own, group = told.stdout.split("\n")[:2]
    return int(own), group


def test_a_process_is_as_nice_as_it_is_told() -> None:
    before, _ = tell(0, leads=True)
    assert tell(7, leads=True)[0] == before + 7


@pytest.mark.skipif(not GROUPS.exists(), reason="this kernel does not group sessions")
def test_a_session_of_its_own_is_as_nice() -> None:
    assert tell(7, leads=True)[1] == "7"


@pytest.mark.skipif(not GROUPS.exists(), reason="this kernel does not group sessions")
def test_who_shares_a_session_is_left_as_it_was() -> None:
    before = GROUPS.read_text().split()[-1]
    assert tell(7, leads=False) == (tell(0, leads=False)[0] + 7, before)
    assert GROUPS.read_text().split()[-1] == before
