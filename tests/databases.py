"""Databases that tests have to themselves."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier


@contextmanager
def own_database(dsn: str, prefix: str, *, template: str = "template1") -> Generator[str]:
    """Yield the connection string of a new database, a copy of the template."""
    name = f"{prefix}_{uuid4().hex[:8]}"
    create = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(create)
        try:
            yield make_conninfo(dsn, dbname=name)
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
