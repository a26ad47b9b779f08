"""The commands that look after the tables: `faststream-pgmq health` and `purge`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from psycopg import AsyncConnection

from faststream_pgmq import retention
from faststream_pgmq.cli.output import as_json, duration, show_table, size
from faststream_pgmq.cli.running import MISUSED, Dsn, Json, Progress, fail, run, run_long
from faststream_pgmq.health import QueueHealth, Snapshot, check_health

if TYPE_CHECKING:
    pass

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Queue = Annotated[str, typer.Argument(help="Name of the queue.", show_default=False)]


def health(dsn: Dsn = "", json: Json = False) -> None:
    """Show dead rows, vacuums, sizes and doorbells of the queues, and the oldest snapshot.

    Counts nothing, so it is cheap however long the queues are.
    """
    found = run(dsn, check_health)
    if json:
        as_json(asdict(found))
        return
    titles = (
        "queue", "dead rows", "vacuumed", "table", "indexes", "archive", "oldest", "doorbell",
    )  # fmt: skip
    show_table(titles, [_row(one) for one in found.queues])
    typer.echo(_sentence(found.oldest_snapshot))


def purge(
    queue: Queue,
    older_than: Annotated[
        str, typer.Option(help="Archived at least so long ago: 90m, 2h, 14d.", show_default=False)
    ],
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Dead letters instead of archived messages.")
    ] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many a second.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Delete archived messages that are old enough, oldest first, in chunks of 1,000.

    Asks before it deletes dead letters: nobody has handled those.
    """
    age = length(older_than)
    what = "dead letters" if dead_letters else "archived messages"
    if dry_run or (dead_letters and not yes):
        count = retention.count_old_letters if dead_letters else retention.count_archived
        found = run(dsn, lambda conn: count(conn, queue, older_than=age))
        if dry_run:
            typer.echo(f"would delete {found:,} {what} of {queue}")
            return
        question = f"delete {found:,} {what} of {queue} for good? (--yes answers this)"
        typer.confirm(question, abort=True, err=True)
    delete = retention.purge_dead_letters if dead_letters else retention.purge_archive
    progress = Progress()

    def work(conn: AsyncConnection[Any]) -> Any:
        return delete(conn, queue, older_than=age, rate=rate, on_progress=progress)

    done = run_long(dsn, work, progress)
    if json:
        as_json({"purged": done})
    else:
        typer.echo(f"deleted {done:,} {what} of {queue}")


def length(text: str) -> timedelta:
    """Return a length of time: 90m, 2h, 14d."""
    number, unit = text[:-1], text[-1:]
    try:
        if not number.isdecimal():
            raise ValueError(number)
        return timedelta(seconds=int(number) * UNITS[unit])
    except (KeyError, ValueError, OverflowError):
        fail(f"{text!r} is no length of time; write 90m, 2h or 14d", MISUSED)


def _row(one: QueueHealth) -> tuple[str, ...]:
    return (
        one.queue,
        f"{one.dead_tuples:,}",
        "never" if one.last_vacuum is None else f"{_ago(one.last_vacuum)} ago",
        size(one.table_bytes),
        size(one.index_bytes),
        size(one.archive_bytes),
        "" if one.oldest_seconds is None else duration(one.oldest_seconds),
        "yes" if one.doorbell else "NO: faststream-pgmq create hangs one",
    )


def _ago(moment: datetime) -> str:
    return duration((datetime.now(UTC) - moment).total_seconds())


def _sentence(oldest: Snapshot | None) -> str:
    if oldest is None:
        return "nobody holds an old snapshot"
    since = "" if oldest.seconds is None else f", for {duration(oldest.seconds)}"
    names = (oldest.state, f"pid {oldest.pid}" if oldest.pid else None, oldest.application)
    who = ", ".join(name for name in names if name)
    return (
        f"oldest snapshot: {oldest.holder} ({who}){since}, "
        f"{oldest.transactions:,} transactions ago; "
        "rows that died since cannot be removed"
    )
