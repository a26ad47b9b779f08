"""Runs a command against the database, and says what to do when that fails.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such queue or dead letter, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import difflib
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final, LiteralString, NoReturn, TypeVar

import psycopg
import typer
from psycopg import errors

from faststream_pgmq.connecting import CONNECT_TIMEOUT, connect, describe, with_defaults
from faststream_pgmq.errors import LetterNotFoundError, PgmqError, QueueNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg import AsyncConnection

T = TypeVar("T")

FAILED: Final = 1
MISUSED: Final = 2
NOT_FOUND: Final = 3
INTERRUPTED: Final = 130

Dsn = Annotated[
    str,
    typer.Option(
        "--dsn",
        envvar="DATABASE_URL",
        show_default=False,
        help="libpq connection string or URL; without it, libpq's own PGHOST, PGUSER, ….",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_QUEUE_NAMES: Final[LiteralString] = "SELECT queue_name FROM pgmq.meta ORDER BY 1"


def fail(text: str, code: int = FAILED) -> NoReturn:
    """End the command with an error."""
    typer.echo(f"Error: {text}", err=True)
    raise typer.Exit(code)


def run(dsn: str, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
    """Return what `work` returns over a connection; end the command if it fails."""
    try:
        return asyncio.run(_run(dsn, work))
    except QueueNotFoundError as error:
        fail(f"there is no queue {error.queue!r}{_suggestion(dsn, error.queue)}", NOT_FOUND)
    except LetterNotFoundError as error:
        fail(str(error), NOT_FOUND)
    except PgmqError as error:
        fail(str(error))
    except psycopg.Error as error:
        fail(_explain(error, dsn))


async def _run(dsn: str, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
    conninfo = with_defaults(
        dsn, connect_timeout=CONNECT_TIMEOUT, application_name="faststream-pgmq"
    )
    async with await connect(conninfo) as conn:
        return await work(conn)


def _suggestion(dsn: str, queue: str) -> str:
    try:
        names = asyncio.run(_run(dsn, _queue_names))
    except (PgmqError, psycopg.Error):
        names = []
    near = difflib.get_close_matches(queue.lower(), names, n=3, cutoff=0.6)
    known = f"; near: {', '.join(near)}" if near else ""
    return f"{known}. `faststream-pgmq queues` lists them, `create` makes one"


async def _queue_names(conn: AsyncConnection[Any]) -> list[str]:
    return [row[0] for row in await (await conn.execute(_QUEUE_NAMES)).fetchall()]


def _explain(error: psycopg.Error, dsn: str) -> str:
    text = error.diag.message_primary or str(error).strip() or type(error).__name__
    where = describe(with_defaults(dsn))
    if isinstance(error, errors.InsufficientPrivilege):
        return (
            f'{text}. The role needs that right; see "Rights" in the package\'s docs/operations.md'
        )
    missing = (errors.UndefinedFunction, errors.InvalidSchemaName, errors.UndefinedTable)
    if isinstance(error, missing):
        return f"{text} in {where}. Is pgmq installed there, and did `faststream-pgmq install` run?"
    return f"{text} ({where})"


class Progress:
    """Tells whoever sits at a terminal how far a long run is."""

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        self.done = 0

    def __call__(self, done: int) -> None:
        self.done = done
        if sys.stderr.isatty():
            of_total = "" if self.total is None else f" of {self.total:,}"
            end = "\n" if self.total is not None and done >= self.total else ""
            typer.echo(f"\r{done:,}{of_total}{end}", err=True, nl=False)


def run_long(
    dsn: str, work: Callable[[AsyncConnection[Any]], Awaitable[int]], progress: Progress
) -> int:
    """As `run`; when interrupted, say how far it came."""
    try:
        return run(dsn, work)
    except KeyboardInterrupt:
        fail(f"stopped after {progress.done:,}; the rest is where it was", INTERRUPTED)
