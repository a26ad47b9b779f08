"""The commands about queues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from psycopg import AsyncConnection

from faststream_pgmq import installation, pausing
from faststream_pgmq.cli import keeping
from faststream_pgmq.cli.dlq import dlq
from faststream_pgmq.cli.output import as_json, counted, duration, show_table
from faststream_pgmq.cli.running import MISUSED, Dsn, Json, fail, run
from faststream_pgmq.overview import MOST, QueueOverview, overview

app = typer.Typer(
    help="Looks after pgmq queues: what they hold, pauses, dead letters, tables.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show the connection string.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(dlq, name="dlq")
app.command()(keeping.health)
app.command()(keeping.purge)

Queue = Annotated[str, typer.Argument(help="Name of the queue.", show_default=False)]


@app.command()
def queues(dsn: Dsn = "", json: Json = False) -> None:
    """List the queues: how many messages are ready, delayed, in flight, dead; who is paused.

    Nothing is counted beyond 10,000, so this is cheap however long a queue is.
    """
    rows = run(dsn, overview)
    if json:
        as_json({"counted_up_to": MOST, "queues": rows})
        return
    titles = ("queue", "ready", "delayed", "in flight", "dead", "oldest", "paused")
    show_table(titles, [_row(one) for one in rows])


def _row(one: QueueOverview) -> tuple[str, ...]:
    counts = (one.ready, one.delayed, one.in_flight, one.dead)
    paused = "" if one.paused_at is None else one.reason or "yes"
    oldest = "" if one.oldest_seconds is None else duration(one.oldest_seconds)
    return (one.queue, *(counted(count, MOST) for count in counts), oldest, paused)


@app.command()
def pause(
    queue: Queue,
    reason: Annotated[str, typer.Option(help="Shown to whoever looks.")] = "",
    dsn: Dsn = "",
) -> None:
    """Stop all consumers of a queue, in every process; messages can still be sent."""
    is_new = run(dsn, lambda conn: pausing.pause_queue(conn, queue, reason))
    typer.echo(f"{queue} is paused" + ("" if is_new else ", as it was before; the reason is new"))


@app.command()
def resume(queue: Queue, dsn: Dsn = "") -> None:
    """Let the consumers of a paused queue go on."""
    was_paused = run(dsn, lambda conn: pausing.resume_queue(conn, queue))
    typer.echo(f"{queue} goes on" if was_paused else f"{queue} was not paused")


@app.command()
def create(
    queue: Queue,
    partition: Annotated[
        str | None, typer.Option(help="Partitions of so many messages, or of '1 day'.")
    ] = None,
    retention: Annotated[
        str | None, typer.Option(help="With --partition: how much pg_partman keeps.")
    ] = None,
    dsn: Dsn = "",
) -> None:
    """Create a queue and its dead letter queue; safe to repeat."""
    if (partition is None) != (retention is None):
        fail("--partition and --retention go together", MISUSED)
    try:
        installation.check_queue_name(queue)
    except ValueError as error:
        fail(str(error), MISUSED)
    if partition is None or retention is None:
        run(dsn, lambda conn: installation.create_queue(conn, queue))
    else:
        run(dsn, _create_partitioned(queue, partition, retention))
    typer.echo(f"{queue} and {queue}_dlq exist")


def _create_partitioned(
    queue: str, partition: str, retention: str
) -> Callable[[AsyncConnection[Any]], Awaitable[None]]:
    async def work(conn: AsyncConnection[Any]) -> None:
        await installation.create_partitioned_queue(
            conn, queue, partition_interval=partition, retention=retention
        )

    return work


@app.command()
def install(dsn: Dsn = "") -> None:
    """Install or update the SQL of this package in the database; safe to repeat."""
    if not run(dsn, _install):
        fail(
            "installed, but pgmq itself is missing: `CREATE EXTENSION pgmq`, or run its SQL "
            "(https://pypi.org/project/pgmq/ ships it), before you create queues"
        )
    typer.echo("installed")


async def _install(conn: AsyncConnection[Any]) -> bool:
    await installation.install(conn)
    return await installation.has_pgmq(conn)
