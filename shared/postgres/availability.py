"""Tells a server that does not answer from a statement that it refuses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from psycopg import Error, InterfaceError, OperationalError

from shared.errors import DependencyDownError

DOWN: Final = ("08", "53", "57P", "58")
"""SQLSTATEs that say the server cannot serve anybody now: lost, full, shutting down, its disk bad.

Others are OperationalErrors too, such as a value too long for an index (54000) or a statement that
took too long (57014): those are about one statement, and waiting would not help it.
"""


@contextmanager
def translated_errors() -> Generator[None]:
    """Turn a lost or missing connection, an empty pool too, into DependencyDownError."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not is_down(error):
            raise
        raise DependencyDownError("Postgres", str(error)) from error


def is_down(error: Error) -> bool:
    """Return whether the server cannot serve anybody; an error without SQLSTATE is the client's."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(DOWN)
