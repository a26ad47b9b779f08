"""Inspects dead letters, puts them back, or takes them out for good.

Functions take a connection in autocommit mode first. What touches many letters does so in chunks,
each in a transaction of its own, and only the letters that were there when it began: one that fails
again meanwhile is a new letter. In a transaction of the caller all chunks commit with it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import errors

from faststream_pgmq.connecting import connect
from faststream_pgmq.errors import LetterNotFoundError, OutdatedInstallError, QueueNotFoundError
from faststream_pgmq.letters import ALL, Letter, LetterFilter, as_object, readable
from faststream_pgmq.queries import tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence

    from psycopg import AsyncConnection

CHUNK: Final = 1_000
"""Letters in one transaction: some ten milliseconds, and few row locks."""

_FILTER: Final[LiteralString] = (
    '%(queue)s, error => %(error)s, contains => %(contains)s, "group" => %(group)s, '
    "since => %(since)s::timestamptz, until => %(until)s::timestamptz, "
    "max_rows => %(max_rows)s::bigint, after => %(after)s"
)
_FIND: Final[LiteralString] = (
    "SELECT msg_id, failed_at, error_class, error_message, message::text, headers::text "  # noqa: S608
    f"FROM faststream_pgmq.dead_letters({_FILTER})"
)
_FIND_IDS: Final[LiteralString] = (
    f"SELECT id FROM faststream_pgmq.dead_letter_ids({_FILTER}, up_to => %(up_to)s::bigint) AS id"  # noqa: S608
)
_COUNT: Final[LiteralString] = (
    f"SELECT count(*) FROM faststream_pgmq.dead_letter_ids({_FILTER}) AS id"  # noqa: S608
)
_LAST_ID: Final[LiteralString] = (
    "SELECT coalesce(max(id), 0) FROM faststream_pgmq.dead_letter_ids(%(queue)s) AS id"
)
_REDRIVE: Final[LiteralString] = "SELECT faststream_pgmq.redrive(%s, %s::bigint[])"
_DISCARD: Final[LiteralString] = "SELECT faststream_pgmq.discard(%s, %s::bigint[], %s)"


async def find_letters(
    conn: AsyncConnection[Any],
    queue: str,
    where: LetterFilter = ALL,
    *,
    limit: int = 100,
    after: int = 0,
) -> list[Letter]:
    """Return matching letters of a queue, lowest id first; the next page is `after` the last id."""
    with _translated(queue):
        cursor = await conn.execute(_FIND, where.parameters(queue, limit, after))
        return [
            Letter(*row[:4], message=readable(row[4]), headers=as_object(readable(row[5])))
            for row in await cursor.fetchall()
        ]


async def get_letter(conn: AsyncConnection[Any], queue: str, msg_id: int) -> Letter:
    """Return one letter.

    Raises:
        LetterNotFoundError: it is not there, or not any more.
    """
    letters = await find_letters(conn, queue, limit=1, after=msg_id - 1)
    if not letters or letters[0].msg_id != msg_id:
        raise LetterNotFoundError(queue, msg_id)
    return letters[0]


async def count_letters(
    conn: AsyncConnection[Any],
    queue: str,
    where: LetterFilter = ALL,
    *,
    at_most: int | None = None,
) -> int:
    """Return how many match; `at_most` bounds the work."""
    with _translated(queue):
        cursor = await conn.execute(_COUNT, where.parameters(queue, at_most))
        return _number(await cursor.fetchone())


async def redrive_letters(
    conn: AsyncConnection[Any],
    queue: str,
    ids: Iterable[int] | None = None,
    *,
    where: LetterFilter = ALL,
    limit: int | None = None,
    rate: float | None = None,
    chunk: int = CHUNK,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Put letters back into their queue; return how many. They start with no attempt used.

    Args:
        ids: these letters; without them, all that match `where`.
        limit: at most so many, lowest id first.
        rate: at most so many a second, so that consumers keep up with other work.
        chunk: letters in one transaction.
        on_progress: told the count so far, after each chunk.
    """

    async def redrive(some: Sequence[int]) -> int:
        return _number(await (await conn.execute(_REDRIVE, (queue, list(some)))).fetchone())

    batch = _Batch(conn, queue, where, limit=limit, rate=rate, chunk=chunk, on_progress=on_progress)
    return await batch.run(redrive, ids)


async def discard_letters(
    conn: AsyncConnection[Any],
    queue: str,
    ids: Iterable[int] | None = None,
    *,
    where: LetterFilter | None = None,
    keep: bool = True,
    limit: int | None = None,
    chunk: int = CHUNK,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Take letters out for good; return how many. All of them are `where=ALL`.

    Args:
        keep: move them to the archive of the dead letter queue; False deletes them.

    Raises:
        ValueError: neither `ids` nor `where` says which.
    """
    if ids is None and where is None:
        raise ValueError("say which: ids, a filter, or where=ALL for all dead letters")

    async def discard(some: Sequence[int]) -> int:
        return _number(await (await conn.execute(_DISCARD, (queue, list(some), keep))).fetchone())

    batch = _Batch(
        conn, queue, where or ALL, limit=limit, rate=None, chunk=chunk, on_progress=on_progress
    )
    return await batch.run(discard, ids)


class DeadLetters:
    """The dead letters of one queue, each call over a connection of its own."""

    def __init__(self, dsn: str, queue: str) -> None:
        self._dsn = dsn
        self._queue = queue

    async def find(
        self, where: LetterFilter = ALL, *, limit: int = 100, after: int = 0
    ) -> list[Letter]:
        """See `find_letters`."""
        async with await connect(self._dsn) as conn:
            return await find_letters(conn, self._queue, where, limit=limit, after=after)

    async def get(self, msg_id: int) -> Letter:
        """See `get_letter`."""
        async with await connect(self._dsn) as conn:
            return await get_letter(conn, self._queue, msg_id)

    async def count(self, where: LetterFilter = ALL, *, at_most: int | None = None) -> int:
        """See `count_letters`."""
        async with await connect(self._dsn) as conn:
            return await count_letters(conn, self._queue, where, at_most=at_most)

    async def redrive(
        self,
        ids: Iterable[int] | None = None,
        *,
        where: LetterFilter = ALL,
        limit: int | None = None,
        rate: float | None = None,
    ) -> int:
        """See `redrive_letters`."""
        async with await connect(self._dsn) as conn:
            return await redrive_letters(
                conn, self._queue, ids, where=where, limit=limit, rate=rate
            )

    async def discard(
        self,
        ids: Iterable[int] | None = None,
        *,
        where: LetterFilter | None = None,
        keep: bool = True,
    ) -> int:
        """See `discard_letters`."""
        async with await connect(self._dsn) as conn:
            return await discard_letters(conn, self._queue, ids, where=where, keep=keep)


class _Batch:
    """Does something to many letters, chunk by chunk."""

    def __init__(
        self,
        conn: AsyncConnection[Any],
        queue: str,
        where: LetterFilter,
        *,
        limit: int | None,
        rate: float | None,
        chunk: int,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        if chunk < 1 or (rate is not None and rate <= 0) or (limit is not None and limit < 0):
            raise ValueError("chunk and rate must be positive, and limit must not be negative")
        self._conn = conn
        self._queue = queue
        self._where = where
        self._limit = limit
        self._rate = rate
        self._chunk = chunk if rate is None else max(1, min(chunk, int(rate)))
        self._on_progress = on_progress
        self._done = 0

    async def run(
        self, act: Callable[[Sequence[int]], Awaitable[int]], ids: Iterable[int] | None
    ) -> int:
        with _translated(self._queue):
            up_to = await self._last_id() if ids is None else 0
            named, after, began = sorted(set(ids or ())), 0, monotonic()
            while (size := self._next_size()) > 0:
                await self._keep_to_rate(began)
                async with self._conn.transaction():
                    some = (
                        await self._next_ids(size, after, up_to)
                        if ids is None
                        else [one for one in named if one > after][:size]
                    )
                    self._done += await act(some) if some else 0
                if self._on_progress is not None and some:
                    self._on_progress(self._done)
                if len(some) < size:
                    break
                after = some[-1]
        return self._done

    def _next_size(self) -> int:
        return self._chunk if self._limit is None else min(self._chunk, self._limit - self._done)

    async def _keep_to_rate(self, began: float) -> None:
        if self._rate is not None:
            await asyncio.sleep(max(0.0, began + self._done / self._rate - monotonic()))

    async def _last_id(self) -> int:
        async with self._conn.transaction():
            cursor = await self._conn.execute(_LAST_ID, {"queue": self._queue})
            return _number(await cursor.fetchone())

    async def _next_ids(self, size: int, after: int, up_to: int) -> list[int]:
        parameters = {**self._where.parameters(self._queue, size, after), "up_to": up_to}
        rows = await (await self._conn.execute(_FIND_IDS, parameters)).fetchall()
        return [row[0] for row in rows]


@contextmanager
def _translated(queue: str) -> Generator[None]:
    try:
        yield
    except errors.UndefinedTable as error:
        raise QueueNotFoundError(queue, f"pgmq.{tables(queue)[2]}") from error
    except errors.UndefinedFunction as error:
        raise OutdatedInstallError("function for dead letters") from error


def _number(row: Any) -> int:
    return int(row[0])
