"""Tells a server that does not answer from a statement that it refuses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from psycopg import InterfaceError, OperationalError

from shared.errors import DependencyDownError


@contextmanager
def translated_errors() -> Generator[None]:
    """Turn a lost or missing connection, an empty pool too, into DependencyDownError."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DependencyDownError("Postgres", str(error)) from error
