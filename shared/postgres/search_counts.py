"""How often each API key searched, a day at a time; never what for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

Counts: TypeAlias = Mapping[tuple[UUID, date], int]
"""Searches by key and day, in UTC."""
COUNT_SEARCHES: Final[LiteralString] = "SELECT count_searches(%s)"


async def add_searches(conn: AsyncConnection[TupleRow], counts: Counts) -> None:
    """Add to what is known of each key and day."""
    given = [
        {"key_id": str(key_id), "day": day.isoformat(), "searches": searches}
        for (key_id, day), searches in counts.items()
    ]
    await conn.execute(COUNT_SEARCHES, (Jsonb(given),))
