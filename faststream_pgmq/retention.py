"""Deletes archived messages and dead letters that are old enough, in short transactions.

Functions take a connection in autocommit mode first; in a transaction of the caller all chunks
commit with it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import IsolationLevel, errors, sql

from faststream_pgmq.errors import OutdatedInstallError, QueueNotFoundError
from faststream_pgmq.queries import statement, tables

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from psycopg import AsyncConnection

CHUNK: Final = 1_000
"""Rows in one transaction: some milliseconds."""
RATE: Final = 10_000.0
"""Rows a second that are deleted beside other work."""

_PURGE_ARCHIVE: Final[LiteralString] = "SELECT faststream_pgmq.purge_archive(%s, %s, %s)"
_PURGE_LETTERS: Final[LiteralString] = "SELECT faststream_pgmq.purge_dead_letters(%s, %s, %s)"
_COUNT_ARCHIVE: Final[LiteralString] = (
    "SELECT count(*) FROM {archive} WHERE archived_at <= clock_timestamp() - %s"
)
_COUNT_LETTERS: Final[LiteralString] = (
    "SELECT count(*) FROM {dead} WHERE enqueued_at <= clock_timestamp() - %s"
)
_TRY_LOCK: Final[LiteralString] = "SELECT pg_try_advisory_xact_lock(hashtextextended({name}, 0))"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a queue keeps what has ended; None keeps it for ever."""

    archive: timedelta | None = None
    dead_letters: timedelta | None = None

    def __post_init__(self) -> None:
        for age in (self.archive, self.dead_letters):
            if age is not None:
                check_age(age)

    @property
    def is_for_ever(self) -> bool:
        return self.archive is None and self.dead_letters is None


def check_age(age: timedelta) -> None:
    """Raise ValueError for a length of time that is none."""
    if age < timedelta(0):
        raise ValueError(f"a retention must not be negative, got {age}")


async def purge_archive(
    conn: AsyncConnection[Any],
    queue: str,
    *,
    older_than: timedelta,
    rate: float | None = None,
    chunk: int = CHUNK,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Delete what was archived at least so long ago, oldest first; return how many.

    Args:
        rate: at most so many a second.
        chunk: rows in one transaction.
        on_progress: told the count so far, after each chunk.
    """
    purge = _Purge(conn, queue, _PURGE_ARCHIVE, older_than)
    return await purge.run(rate=rate, chunk=chunk, on_progress=on_progress)


async def purge_dead_letters(
    conn: AsyncConnection[Any],
    queue: str,
    *,
    older_than: timedelta,
    rate: float | None = None,
    chunk: int = CHUNK,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Delete what became a dead letter at least so long ago; as `purge_archive`."""
    purge = _Purge(conn, queue, _PURGE_LETTERS, older_than)
    return await purge.run(rate=rate, chunk=chunk, on_progress=on_progress)


async def count_archived(conn: AsyncConnection[Any], queue: str, *, older_than: timedelta) -> int:
    """Return how many messages `purge_archive` would delete."""
    return await _count(conn, queue, statement(_COUNT_ARCHIVE, queue), older_than)


async def count_old_letters(
    conn: AsyncConnection[Any], queue: str, *, older_than: timedelta
) -> int:
    """Return how many dead letters `purge_dead_letters` would delete."""
    return await _count(conn, queue, statement(_COUNT_LETTERS, queue), older_than)


@asynccontextmanager
async def alone_with(conn: AsyncConnection[Any], queue: str) -> AsyncGenerator[bool]:
    """Tell whether nobody else sweeps this queue, and keep it so for the length of the context.

    By a transaction, not by a lock of the session, which a pooler might lend to others. It holds no
    snapshot, which would keep all the dead rows of the database.
    """
    # Whatever the role's default is. And without a parameter: else the statement's portal, and with
    # it its snapshot, would stay open until the transaction ends.
    await conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
    name = sql.Literal(f"faststream_pgmq.retention.{queue.lower()}")
    async with conn.transaction():
        row = await (await conn.execute(sql.SQL(_TRY_LOCK).format(name=name))).fetchone()
        yield row is not None and bool(row[0])


async def keep_retention(conn: AsyncConnection[Any], queue: str, retention: Retention) -> int:
    """Delete what is too old, slowly; return how many."""
    deleted = 0
    if retention.archive is not None:
        # What was discarded lies in the archive of the dead letters, and is as done with.
        for name in (queue, f"{queue}_dlq"):
            deleted += await purge_archive(conn, name, older_than=retention.archive, rate=RATE)
    if retention.dead_letters is not None:
        age = retention.dead_letters
        deleted += await purge_dead_letters(conn, queue, older_than=age, rate=RATE)
    return deleted


class _Purge:
    """Deletes from one table, chunk by chunk."""

    def __init__(
        self,
        conn: AsyncConnection[Any],
        queue: str,
        query: LiteralString,
        older_than: timedelta,
    ) -> None:
        check_age(older_than)
        self._conn = conn
        self._queue = queue
        self._query: LiteralString = query
        self._older_than = older_than

    async def run(
        self, *, rate: float | None, chunk: int, on_progress: Callable[[int], None] | None
    ) -> int:
        if chunk < 1 or (rate is not None and rate <= 0):
            raise ValueError("chunk and rate must be positive")
        chunk = chunk if rate is None else max(1, min(chunk, int(rate)))
        began, done, some = monotonic(), 0, chunk
        while some == chunk:
            if rate is not None:
                await asyncio.sleep(max(0.0, began + done / rate - monotonic()))
            # What becomes old meanwhile is for the next time: else this might never end.
            age = self._older_than + timedelta(seconds=monotonic() - began)
            with _translated(self._queue):
                some = await _number(self._conn, self._query, (self._queue, age, chunk))
            done += some
            if on_progress is not None and some:
                on_progress(done)
        return done


async def _count(
    conn: AsyncConnection[Any], queue: str, query: LiteralString, older_than: timedelta
) -> int:
    check_age(older_than)
    with _translated(queue):
        return await _number(conn, query, (older_than,))


async def _number(
    conn: AsyncConnection[Any], query: LiteralString, parameters: tuple[Any, ...]
) -> int:
    row = await (await conn.execute(query, parameters)).fetchone()
    return int(row[0]) if row is not None else 0


@contextmanager
def _translated(queue: str) -> Generator[None]:
    try:
        yield
    except errors.UndefinedTable as error:
        raise QueueNotFoundError(queue, f"pgmq.{tables(queue)[1]}") from error
    except errors.UndefinedFunction as error:
        raise OutdatedInstallError("function for retention") from error
