"""Where asyncpg connects: it reads URLs, and none of libpq's connection strings."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL


def as_url(dsn: str) -> URL:
    """Return a libpq connection string as a URL."""
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    return URL.create(
        "postgresql",
        username=parts.get("user"),
        password=parts.get("password"),
        host=parts.get("host"),
        port=int(parts.get("port", 5432)),
        database=parts.get("dbname"),
    )


def as_text(dsn: str) -> str:
    """Return it as text, with its password."""
    return as_url(dsn).render_as_string(hide_password=False)
