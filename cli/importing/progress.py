"""Progress of an import and of the queues behind it, on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from cli.importing.sources import Source
from cli.importing.tally import Tally
from cli.queues import STALLED_AFTER_SECONDS, QueueCounts, count_dead
from cli.terminal import err

COUNT_CAP: Final = 10_000
"""The API counts no further."""
LOG_EVERY_SECONDS: Final = 10.0


@contextmanager
def reading_progress(source: Source, tally: Tally) -> Generator[Callable[[], None]]:
    """Show a bar for what is read and sent; yields the function that moves it."""
    with _bar() as progress:
        task = progress.add_task(f"Importing {source.title}", total=source.total or 1, said="")

        def move() -> None:
            progress.update(task, completed=source.position(tally.reading), said=_counts(tally))

        yield move
        progress.update(task, completed=source.total or 1, said=_counts(tally))


@contextmanager
def draining_progress(dead_before: int) -> Generator[Callable[[Sequence[QueueCounts]], None]]:
    """Show what is left in the queues; yields the function that takes new counts."""
    with _bar() as progress:
        yield DrainingBar(progress, dead_before).show


class DrainingBar:
    """A bar whose length is the most messages seen at once."""

    def __init__(self, progress: Progress, dead_before: int) -> None:
        self._progress = progress
        self._task = progress.add_task("Processing", total=None, said="")
        self._dead_before = dead_before
        self._most = 0
        self._began_at = self._moved_at = self._printed_at = time.monotonic()
        self._last_left = -1
        self._done = 0

    def show(self, counts: Sequence[QueueCounts]) -> None:
        left = sum(count.left for count in counts)
        self._note(left)
        self._progress.update(
            self._task,
            total=max(self._most, 1),
            completed=max(self._most, 1) - left,
            said=self._describe(counts, left),
        )
        self._print_where_nothing_moves(self._describe(counts, left))

    def _note(self, left: int) -> None:
        if left != self._last_left:
            self._moved_at = time.monotonic()
            self._done += max(self._last_left - left, 0)
        self._last_left = left
        self._most = max(self._most, left)

    def _print_where_nothing_moves(self, said: str) -> None:
        """Write a line now and then into a log, where no bar can be seen."""
        now = time.monotonic()
        if not self._progress.console.is_terminal and now - self._printed_at > LOG_EVERY_SECONDS:
            self._progress.console.print(f"Processing: {said}")
            self._printed_at = now

    def _describe(self, counts: Sequence[QueueCounts], left: int) -> str:
        rate = self._done / max(time.monotonic() - self._began_at, 0.001)
        shown = f"more than {COUNT_CAP}" if left > COUNT_CAP else str(left)
        parts = [f"{shown} left, {rate:.0f}/s"]
        if new := count_dead(counts) - self._dead_before:
            parts.append(f"[red]{new} dead letters[/]")
        if left and time.monotonic() - self._moved_at > STALLED_AFTER_SECONDS:
            parts.append("[yellow]nothing moves: see `supastate local status`[/]")
        return ", ".join(parts)


def _counts(tally: Tally) -> str:
    parts = [f"{tally.queued} queued"]
    parts += [f"{tally.unchanged} unchanged"] if tally.unchanged else []
    parts += [f"[red]{tally.failed} failed[/]"] if tally.failed else []
    return ", ".join(parts)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=err(),
    )
