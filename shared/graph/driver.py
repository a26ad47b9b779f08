"""The Neo4j driver as all services open it, and its errors in our terms."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncSession,
    unit_of_work,
)
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConnectionPoolError,
    DatabaseUnavailable,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from shared.errors import DependencyDownError, NotMigratedError, SupastateError, TooSlowError
from shared.settings import Settings

CONNECT_TIMEOUT_SECONDS: Final = 5.0
ACQUIRE_TIMEOUT_SECONDS: Final = 8.0
RETRY_SECONDS: Final = 5.0
"""How long the driver repeats a transaction that met a deadlock or a short outage."""
POOL_SIZE: Final = 20
READ_SECONDS: Final = 10.0
"""How long somebody waits for what is read."""
LONG_READ_SECONDS: Final = 120.0
"""How long what nobody waits for may take: a deletion, a migration, `supastate rebuild`."""
GRACE_SECONDS: Final = 5.0
"""Neo4j ends what takes longer, but looks for it only every 2 s, and its clock starts at the first
statement. So much later it is taken to be down."""
TIMED_OUT: Final = "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"
OVERTAKEN: Final = "Neo.ClientError.Statement.EntityNotFound"
"""A node that a statement has just found was deleted: the driver itself does not repeat this."""
MOST_OVERTAKEN: Final = 5
# In a statement it has a code of its own; in a procedure only Java's words tell what is missing.
MISSING_INDEX: Final = re.compile(
    r"The index '(?P<named>[^']+)' does not exist|There is no such \w+ schema index: (?P<told>\S+)"
)
UNREACHABLE: Final = (
    ServiceUnavailable,
    SessionExpired,
    ConnectionPoolError,
    DatabaseUnavailable,
    AuthError,
    OSError,
)

Result = TypeVar("Result")


class GraphError(SupastateError):
    """Neo4j refused a statement, or gave up after the driver repeated it."""


def open_driver(settings: Settings) -> AsyncDriver:
    """Return a driver, not yet connected; call inside the running event loop."""
    return connect(
        settings.neo4j_uri, settings.neo4j_user, settings.neo4j_password.get_secret_value()
    )


def connect(uri: str, user: str, password: str) -> AsyncDriver:
    """Return a driver, not yet connected; call inside the running event loop."""
    return AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]  # untyped options
        uri,
        auth=(user, password),
        connection_timeout=CONNECT_TIMEOUT_SECONDS,
        connection_acquisition_timeout=ACQUIRE_TIMEOUT_SECONDS,
        max_transaction_retry_time=RETRY_SECONDS,
        max_connection_pool_size=POOL_SIZE,
        notifications_min_severity="OFF",  # "index exists already" is what IF NOT EXISTS is for
        user_agent="supastate",
    )


async def write(
    driver: AsyncDriver, work: Callable[[AsyncManagedTransaction], Awaitable[Result]]
) -> Result:
    """Return what `work` returns, run in one write transaction.

    Repeated after a deadlock, and where another transaction deleted what a statement had found.

    Raises:
        DependencyDownError: Neo4j does not answer.
        NotMigratedError: it has not the index that is asked for.
        GraphError: it refused a statement.
    """
    with translated_errors():
        async with open_session(driver, WRITE_ACCESS) as session:
            for _ in range(MOST_OVERTAKEN):
                try:
                    return await session.execute_write(work)
                except ClientError as error:
                    if error.code != OVERTAKEN:
                        raise
            return await session.execute_write(work)


async def read(
    driver: AsyncDriver,
    work: Callable[[AsyncManagedTransaction], Awaitable[Result]],
    *,
    seconds: float = READ_SECONDS,
) -> Result:
    """Return what `work` returns, run in one read transaction, in which Neo4j refuses writes.

    Raises:
        DependencyDownError: Neo4j does not answer.
        TooSlowError: it is not done after so many seconds.
        NotMigratedError: it has not the index that is asked for.
        GraphError: it refused a statement.
    """
    timed = unit_of_work(timeout=seconds)(work)
    with translated_errors(seconds):
        async with asyncio.timeout(seconds + GRACE_SECONDS):
            async with open_session(driver, READ_ACCESS) as session:
                return await session.execute_read(timed)


def open_session(driver: AsyncDriver, access: str) -> AsyncSession:
    """Return a session; a single Neo4j refuses writes in one opened for reading."""
    return driver.session(  # pyright: ignore[reportUnknownMemberType]  # untyped options
        default_access_mode=access
    )


@contextmanager
def translated_errors(seconds: float = math.inf) -> Generator[None]:
    """Turn the driver's errors into ours; `seconds`: how long a transaction may take."""
    try:
        yield
    except UNREACHABLE as error:
        raise DependencyDownError("Neo4j", _reason(error)) from error
    except (Neo4jError, DriverError) as error:
        if getattr(error, "code", None) == TIMED_OUT:
            raise TooSlowError("Neo4j", seconds) from error
        if missing := MISSING_INDEX.search(reason := _reason(error)):
            raise NotMigratedError(missing["named"] or missing["told"]) from error
        raise GraphError(reason) from error


def _reason(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error or type(error).__name__)
