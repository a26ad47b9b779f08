"""How the local stack looks in a terminal, or in a log when there is none."""

from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.local_stack.jars import FILES_EXPECTED
from cli.local_stack.status import PartStatus

DONE = ("ready", "running", "external", "stopped")
COLOURS = {"ready": "green", "external": "cyan", "died": "red", "not ready": "yellow"}


class StartDisplay:
    """Shows one line per part while the stack starts or stops; a bar while jars are fetched."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.fields[part]:<10}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "StartDisplay":
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def part_changed(self, name: str, state: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{name}: {state}", highlight=False, soft_wrap=True)
            return
        total = 1.0 if state.startswith(DONE) else None
        self._progress.update(
            self._task(name), description=state, total=total, completed=1.0 if total else 0.0
        )

    def file_fetched(self, file: str, count: int) -> None:
        if self._console.is_terminal:
            self._progress.update(
                self._task("neo4j"),
                description=f"fetching Neo4j, once: {file[:40]}",
                total=float(max(FILES_EXPECTED, count + 1)),
                completed=float(count),
            )
        elif count % 50 == 1:
            self.part_changed("neo4j", f"fetching, once: file {count} of {FILES_EXPECTED}")

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task("", part=name, total=None)
        return self._tasks[name]


def make_status_table(statuses: Sequence[PartStatus]) -> Table:
    """Return the table of `supastate local status`."""
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "pid", "address", "up for", "log"):
        table.add_column(heading, no_wrap=True)
    for status in statuses:
        colour = COLOURS.get(status.state, "dim")
        table.add_row(
            status.name,
            f"[{colour}]{status.state}[/]",
            str(status.pid or ""),
            status.url or "",
            format_uptime(status.uptime_seconds),
            status.log.name if status.log else "",
        )
    return table


def format_uptime(seconds: float | None) -> str:
    """Return for example "1 day, 2:03:04"; empty for None."""
    return "" if seconds is None else str(timedelta(seconds=int(seconds)))
