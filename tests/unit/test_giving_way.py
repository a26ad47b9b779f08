"""A worker gives way to what people wait for: by its own niceness and its session's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shared import giving_way, runtime
from shared.giving_way import give_way

GROUPS = Path("/proc/self/autogroup")
TELL = (
    "import os; from pathlib import Path; from shared.giving_way import give_way; give_way({});"
    "print(os.nice(0)); group = Path('/proc/self/autogroup');"
    "print(group.read_text() if group.exists() else '')"
)


def niceness_in(group: str) -> str:
    """Empty where the kernel puts the session in no group: the file is there, and empty."""
    return group.split()[-1] if group.strip() else ""


def tell(niceness: int, *, leads: bool) -> tuple[int, str]:
    told = subprocess.run(
        [sys.executable, "-c", TELL.format(niceness)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=leads,
    )
    own, group = told.stdout.split("\n")[:2]
    return int(own), niceness_in(group)


def test_a_process_is_as_nice_as_it_is_told() -> None:
    before, _ = tell(0, leads=True)
    assert tell(7, leads=True)[0] == before + 7


@pytest.mark.skipif(not GROUPS.exists(), reason="this kernel does not group sessions")
def test_a_session_of_its_own_is_as_nice() -> None:
    assert tell(7, leads=True)[1] == "7"


@pytest.mark.skipif(not GROUPS.exists(), reason="this kernel does not group sessions")
def test_who_shares_a_session_is_left_as_it_was() -> None:
    before = niceness_in(GROUPS.read_text())
    assert tell(7, leads=False) == (tell(0, leads=False)[0] + 7, before)
    assert niceness_in(GROUPS.read_text()) == before


class Group:
    """The file of a session's group, busy so many times."""

    def __init__(self, busy: int) -> None:
        self.busy = busy
        self.told: list[str] = []

    def exists(self) -> bool:
        return True

    def write_text(self, text: str) -> None:
        if self.busy:
            self.busy -= 1
            raise BlockingIOError
        self.told.append(text)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    """This process leads its session, and stays as nice as it is."""
    group = Group(busy=3)
    monkeypatch.setattr(giving_way, "OWN_GROUP", group)
    monkeypatch.setattr(giving_way, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(os, "nice", _no_nicer)
    monkeypatch.setattr(os, "getsid", _own_session)
    return group


def _no_nicer(increment: int) -> int:
    return 0


def _own_session(pid: int) -> int:
    return os.getpid()


def test_where_others_are_as_polite_it_tries_again(group: Group) -> None:
    give_way(10)
    assert group.told == ["10"]


def test_a_group_that_stays_busy_is_told(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    group.busy = 1_000
    give_way(10)
    assert "busy" in caplog.text


def test_every_worker_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    names = {"POSTGRES_DSN": "host=a", "NEO4J_URI": "bolt://a", "NEO4J_PASSWORD": "secret"}
    for name, value in {**names, "NICENESS": "7"}.items():
        monkeypatch.setenv(f"SUPASTATE_{name}", value)
    monkeypatch.setattr(runtime, "give_way", given.append)

    def create(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.main(create)  # pyright: ignore[reportArgumentType]  # it gets no further
    assert given == [7]


def test_so_do_the_workers_containers() -> None:
    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
    shares = {name: service.get("cpu_shares") for name, service in compose["services"].items()}
    assert {name for name, share in shares.items() if share} == {"ingest", "patterns", "summaries"}
