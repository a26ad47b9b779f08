"""Sends in a transaction of any supported driver; who begins and ends it is the caller's matter.

SQLAlchemy is recognized by what it can do: the package does not need it.
"""

from __future__ import annotations

import inspect
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import tuple_row

from faststream_pgmq.delivery import in_statements
from faststream_pgmq.errors import (
    OutdatedInstallError,
    QueueNotFoundError,
    QueueWithoutKeysError,
    UnsendableMessageError,
    UnsupportedConnectionError,
)
from faststream_pgmq.queries import send_replies, sending, tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Generator, Sequence

    from faststream_pgmq.delivery import Outgoing

NUMBERED: Final = {"messages": "$1", "headers": "$2", "delays": "$3", "ats": "$4"}
"""The parameters of a sending statement, as asyncpg wants them."""


class SqlAlchemyConnection(Protocol):
    """The part of SQLAlchemy's `AsyncConnection` that sending needs."""

    @property
    def dialect(self) -> Any: ...
    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any: ...
    def begin_nested(self) -> Any: ...


class SqlAlchemySession(Protocol):
    """The part of SQLAlchemy's `AsyncSession` that sending needs."""

    async def connection(self) -> Any: ...


CallersConnection: TypeAlias = (
    "AsyncConnection[Any] | AsyncCursor[Any] | SqlAlchemyConnection | SqlAlchemySession"
)
"""What `connection=` may be: the transaction of the caller."""


class Sender(Protocol):
    """Sends over one connection."""

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[int | None]:
        """Send with one statement; return the ids, None for one merged into a waiting message."""
        ...

    async def reply(self, messages: Sequence[Outgoing]) -> list[int | None]:
        """Answer requests; each message's queue is the address of its requester."""
        ...

    def together(self) -> AbstractAsyncContextManager[Any]:
        """Return a block of which all is sent or nothing."""
        ...


class PsycopgSender:
    """Over psycopg, with a cursor of its own: whatever rows and cursors the caller likes."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn = conn

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[int | None]:
        with translated(queue):
            cursor = AsyncCursor(self._conn, row_factory=tuple_row)
            await cursor.execute(*sending(queue, messages))
            return _ids(await cursor.fetchall())

    async def reply(self, messages: Sequence[Outgoing]) -> list[int | None]:
        await send_replies(self._conn, messages)
        return [None] * len(messages)

    def together(self) -> AbstractAsyncContextManager[Any]:
        return self._conn.transaction()


class SqlAlchemySender:
    """Through SQLAlchemy and not its driver's connection: so it knows that a transaction began."""

    def __init__(self, conn: SqlAlchemyConnection) -> None:
        self._conn = conn
        self._is_numbered = conn.dialect.driver == "asyncpg"

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[int | None]:
        with translated(queue):
            query, parameters = sending(queue, messages)
            if self._is_numbered:
                numbered = numbered_parameters(query)
                result = await self._conn.exec_driver_sql(numbered, tuple(parameters.values()))
            else:
                result = await self._conn.exec_driver_sql(query, parameters)
            return _ids(result.all())

    async def reply(self, messages: Sequence[Outgoing]) -> list[int | None]:
        raise UnsupportedConnectionError("SQLAlchemy, for the answer to a request: return it")

    def together(self) -> AbstractAsyncContextManager[Any]:
        return self._conn.begin_nested()


def numbered_parameters(query: str) -> str:
    """Return a sending statement with `$1` for `%(messages)b`, and so on."""
    for name, number in NUMBERED.items():
        query = query.replace(f"%({name})b", number)
    return query


async def sender_over(connection: CallersConnection) -> Sender:
    """Return what sends in the caller's transaction.

    Raises:
        UnsupportedConnectionError: it is of no driver that the broker can send through.
    """
    given: Any = connection
    if isinstance(given, AsyncConnection):
        return PsycopgSender(cast("AsyncConnection[Any]", given))
    if isinstance(given, AsyncCursor):
        return PsycopgSender(cast("AsyncCursor[Any]", given).connection)
    if _is_async(given, "connection"):
        given = await given.connection()
    if not _is_async(given, "exec_driver_sql"):
        raise UnsupportedConnectionError(_describe(connection))
    dialect = given.dialect
    if (dialect.name, dialect.driver) not in {("postgresql", "psycopg"), ("postgresql", "asyncpg")}:
        over = f"{dialect.name}+{dialect.driver}"
        raise UnsupportedConnectionError(f"{_describe(connection)} over {over}")
    return SqlAlchemySender(given)


async def send_in_statements(
    sender: Sender, queue: str, messages: Sequence[Outgoing]
) -> list[int | None]:
    """Send with as few statements as it should take; the caller sees to the transaction."""
    ids: list[int | None] = []
    for some in in_statements(messages):
        ids += await sender.send(queue, some)
    return ids


async def send_together(
    sender: Sender, queue: str, parts: AsyncIterable[Sequence[Outgoing]]
) -> list[int | None]:
    """Send part after part, all of them or, if one cannot be sent, none."""
    async with sender.together():
        return [
            msg_id
            async for part in parts
            for msg_id in await send_in_statements(sender, queue, part)
        ]


def _ids(rows: Sequence[Any]) -> list[int | None]:
    return [msg_id if is_new else None for msg_id, is_new in rows]


def _is_async(given: object, method: str) -> bool:
    # Of the class: on the object, some are properties that raise.
    return inspect.iscoroutinefunction(getattr(type(given), method, None))


def _describe(given: object) -> str:
    return f"a {type(given).__module__.partition('.')[0]} {type(given).__name__}"


@contextmanager
def translated(queue: str) -> Generator[None]:
    """Say what a driver's error means for who sends to this queue."""
    try:
        yield
    except Exception as error:  # the drivers' errors have no parent in common
        clear = _explain(error, queue)
        if clear is None:
            raise
        # Not `from error`: what Postgres says of a message it cannot store repeats the message.
        raise clear from None


def _explain(error: Any, queue: str) -> Exception | None:
    # SQLAlchemy wraps the driver's error, and asyncpg's twice.
    cause: Any = getattr(error, "orig", None) or error
    state, text = getattr(cause, "sqlstate", None), str(cause)
    table = tables(queue)[0]
    if state == "42P01" and table in text:  # undefined_table: the queue, not a trigger's
        return QueueNotFoundError(queue, f"pgmq.{table}")
    if state == "42P10":  # invalid_column_reference: no index for ON CONFLICT
        return QueueWithoutKeysError(queue)
    if state == "42883" and "faststream_pgmq." in text:  # undefined_function
        return OutdatedInstallError("function faststream_pgmq.merge_headers")
    if state in _UNSTORABLE:
        return UnsendableMessageError(f"Postgres cannot store it: {_primary(cause)}", queue=queue)
    return None


_UNSTORABLE: Final = frozenset({"22P02", "22P05", "22003", "22021", "54000", "54001"})
"""Not JSON, an escape that is no character, a number out of range, too long, too deep."""


def _primary(cause: Any) -> str:
    diagnostics = getattr(cause, "diag", None)
    text = diagnostics.message_primary if diagnostics is not None else None
    return str(text or getattr(cause.__cause__, "message", None) or type(cause).__name__)
