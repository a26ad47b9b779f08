"""Installs the broker's SQL and creates queues."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString, cast

from psycopg import errors

from faststream_pgmq.errors import PartitionsUnavailableError
from faststream_pgmq.replying import is_reply_address

if TYPE_CHECKING:
    from psycopg import AsyncConnection

MAX_QUEUE_NAME: Final = 43
"""pgmq allows 47 characters, and the dead letter queue's name is four longer."""

_ONE_AT_A_TIME: Final[LiteralString] = (
    "SELECT pg_advisory_xact_lock(hashtextextended('faststream_pgmq.install', 0))"
)
_HAS_PGMQ: Final[LiteralString] = "SELECT to_regclass('pgmq.meta') IS NOT NULL"
_CREATE_PARTITIONED: Final[LiteralString] = (
    "SELECT faststream_pgmq.create_partitioned_queue(%s, %s, %s)"
)
_CREATE_QUEUE: Final[LiteralString] = "SELECT faststream_pgmq.create_queue(%s)"
_ADD_GROUPS: Final[LiteralString] = "SELECT faststream_pgmq.add_groups(%s, %s)"


def install_sql() -> str:
    """Return the SQL that `install` runs, good for `psql -f` and for a migration."""
    parts = sorted(files("faststream_pgmq").joinpath("sql").iterdir(), key=lambda part: part.name)
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


async def install(conn: AsyncConnection[Any]) -> None:
    """Install the broker's functions in its own transaction; safe to repeat and to run at once."""
    async with conn.transaction():
        # CREATE OR REPLACE by two sessions at once fails with "tuple concurrently updated".
        await conn.execute(_ONE_AT_A_TIME)
        await conn.execute(cast("LiteralString", install_sql()))


async def create_queue(
    conn: AsyncConnection[Any], name: str, *, groups: Literal["fair", "ordered"] | None = None
) -> None:
    """Create a queue and its dead letter queue, with doorbell; safe to repeat and to run at once.

    Args:
        groups: how subscribers may read it by groups: `fair` is for `fair=True` and
            `max_per_group`, `ordered` for `ordered=True`. It costs each message two index entries.

    Raises:
        ValueError: the name is too long or holds other than letters, digits, `_`, `.` and `-`.
    """
    check_queue_name(name)
    async with conn.transaction():
        await conn.execute(_CREATE_QUEUE, (name,))
        if groups is not None:
            await conn.execute(_ADD_GROUPS, (name, groups))


async def create_partitioned_queue(
    conn: AsyncConnection[Any],
    name: str,
    *,
    partition_interval: str = "100000",
    retention: str = "10000000",
) -> None:
    """Create a queue of partitions, and its dead letter queue, which is not; safe to repeat.

    Needs the extension pg_partman, whose maintenance makes new partitions and drops old ones with
    whatever they hold. A `dedup_key` cannot be used there. See docs/operations.md.

    Args:
        partition_interval: messages in one partition ("100000"), or a length of time ("1 day").
        retention: how much is kept, in the same unit.

    Raises:
        ValueError: no queue can have this name.
        PartitionsUnavailableError: this database has no pg_partman.
    """
    check_queue_name(name)
    try:
        async with conn.transaction():
            await conn.execute(_CREATE_PARTITIONED, (name, partition_interval, retention))
    except errors.FeatureNotSupported as error:
        raise PartitionsUnavailableError(name) from error


async def has_pgmq(conn: AsyncConnection[Any]) -> bool:
    """Return whether pgmq itself is installed in the database."""
    row = await (await conn.execute(_HAS_PGMQ)).fetchone()
    return row is not None and bool(row[0])


def check_queue_name(name: str) -> None:
    """Raise ValueError for a name that no queue can have."""
    if not name or len(name) > MAX_QUEUE_NAME or not _is_plain(name):
        raise ValueError(
            f"queue name {name!r} ({len(name)} characters): use 1 to {MAX_QUEUE_NAME} letters, "
            'digits, "_", "." or "-" (pgmq allows 47, and "_dlq" takes four)'
        )


@lru_cache(maxsize=1024)
def check_destination(name: str) -> None:
    """Raise ValueError for a name that neither a queue nor a dead letter queue can have."""
    if not is_reply_address(name):
        check_queue_name(name.lower().removesuffix("_dlq") or name)


def _is_plain(name: str) -> bool:
    return name.isascii() and all(letter.isalnum() or letter in "_.-" for letter in name)
