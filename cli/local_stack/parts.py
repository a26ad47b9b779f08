"""What every part of the stack has in common: Postgres, Neo4j, each service."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cli.local_stack.processes import Launch, StopPlan
from cli.local_stack.state import ProcessRecord


class Part(Protocol):
    """One process of the stack."""

    @property
    def name(self) -> str: ...

    @property
    def stop_plan(self) -> StopPlan: ...

    @property
    def start_patience_seconds(self) -> float:
        """How long it may take to become ready before that counts as a failure."""
        ...

    def prepare(self) -> None:
        """Make what the process needs. Safe to repeat, also after it was cut short."""
        ...

    def launch(self, port: int) -> Launch:
        """Return how to start the process so that it listens on `port`."""
        ...

    def is_ready(self, port: int) -> bool:
        """Return whether it does its work, asked in the way its clients ask."""
        ...

    def find_leftovers(self) -> list[ProcessRecord]:
        """Return processes of this part that a killed command started and never noted down."""
        ...


class Reporter(Protocol):
    """Hears how a start or stop goes on. Called from several threads."""

    def part_changed(self, name: str, state: str) -> None: ...

    def file_fetched(self, file: str, count: int) -> None: ...


class SilentReporter:
    """For tests and programs."""

    def part_changed(self, name: str, state: str) -> None:
        del name, state

    def file_fetched(self, file: str, count: int) -> None:
        del file, count


def read_or_make_password(file: Path, make: Callable[[], str]) -> str:
    """Return the password that lies beside the data it opens; make one when there is none.

    It lies there, and not only in `stack.json`, so that a lost `stack.json` loses no data.
    """
    if not file.exists() or not file.read_text():
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text()
