"""Connections to Postgres, and what to say when there is none."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, conninfo

from faststream_pgmq.errors import PgmqConnectionError

KEEPALIVE: Final[dict[str, Any]] = {
    # A connection that went silent is noticed after 10 + 2 * 5 s.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
CONNECT_TIMEOUT: Final = 5
"""Seconds; a server that is back must not be kept waiting by an attempt from before."""

LONGEST_NAME: Final = 63
"""Bytes of an `application_name`; Postgres cuts off the rest."""


def with_defaults(dsn: str, **defaults: Any) -> str:
    """Return the connection string with parameters it does not set itself.

    Raises:
        PgmqConnectionError: it cannot be parsed; the message does not repeat it.
    """
    try:
        given = conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise PgmqConnectionError(
            "conninfo is no libpq connection string; write "
            "postgresql://user@host:5432/database or host=… dbname=… user=…"
        ) from None
    merged: dict[str, Any] = {**defaults, **given}
    return conninfo.make_conninfo(**merged)


def with_name(dsn: str, name: str) -> str:
    """Return the connection string with `name` at the end of its `application_name`."""
    given = str(conninfo.conninfo_to_dict(dsn).get("application_name") or "")
    kept = given[: LONGEST_NAME - len(name) - 1]
    return conninfo.make_conninfo(dsn, application_name=f"{kept} {name}".strip())


def describe(dsn: str) -> str:
    """Return `host:port/database` of a connection string; never its password."""
    given = conninfo.conninfo_to_dict(dsn)
    host = given.get("host") or given.get("hostaddr") or "localhost"
    port = given.get("port") or 5432
    return f"{host}:{port}/{given.get('dbname') or given.get('user') or ''}"


async def connect(dsn: str) -> AsyncConnection[Any]:
    """Return an autocommit connection.

    Raises:
        PgmqConnectionError: Postgres does not answer; says what to look at.
    """
    try:
        return await AsyncConnection.connect(dsn, autocommit=True)
    except asyncio.CancelledError as error:
        # The traceback would keep the half-made connection alive, and with it a server process
        # that has not got past the login: DROP DATABASE, for one, waits a minute for it.
        raise error.with_traceback(None)  # noqa: B904 - it is the same error
    except psycopg.OperationalError as error:
        error.__traceback__ = None  # as above
        raise PgmqConnectionError(
            f"cannot connect to Postgres at {describe(dsn)}: {str(error).strip()}. Is the server "
            "running, and do host, port, database, user and password in conninfo fit?"
        ) from None


def is_outage(error: psycopg.OperationalError) -> bool:
    """Return whether waiting helps: the server is lost, full or shutting down, or it was a race.

    Other operational errors are about one statement, such as a key too long for its index.
    """
    return error.sqlstate is None or error.sqlstate.startswith(("08", "53", "57P", "40"))
