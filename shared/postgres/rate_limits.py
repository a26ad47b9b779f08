"""How much each API key has left: a token bucket each, in Postgres, for all replicas together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

# The upsert locks the bucket's row, so what two replicas are given never exceeds it. The clock is
# Postgres's own: replicas' clocks do not matter.
TAKE_REQUESTS: Final[LiteralString] = """
INSERT INTO rate_limits AS r (key_id, tokens, granted, refilled_at)
VALUES (%(key_id)s, %(burst)s - least(%(wanted)s, %(burst)s), least(%(wanted)s, %(burst)s),
        clock_timestamp())
ON CONFLICT (key_id) DO UPDATE SET (tokens, granted, refilled_at) = (
    SELECT available - given, given, now_at
    FROM (SELECT clock_timestamp() AS now_at) AS clock,
         LATERAL (SELECT least(%(burst)s, r.tokens + %(per_second)s * greatest(
             extract(epoch FROM now_at - r.refilled_at)::double precision, 0)) AS available) AS a,
         LATERAL (SELECT least(%(wanted)s, floor(available))::integer AS given) AS g
)
RETURNING granted, greatest((1 - tokens) / %(per_second)s, 0) AS wait_seconds
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process may spend."""

    granted: int
    """Requests; 0 where the bucket is empty."""
    wait_seconds: float
    """When the bucket will hold a request again."""


async def take_requests(
    conn: AsyncConnection[TupleRow],
    key_id: UUID,
    *,
    wanted: int,
    per_second: float,
    burst: int,
) -> Grant:
    """Take up to `wanted` requests out of a key's bucket, which refills all the time."""
    values = {"key_id": key_id, "wanted": wanted, "per_second": per_second, "burst": float(burst)}
    async with conn.cursor(row_factory=class_row(Grant)) as cursor:
        await cursor.execute(TAKE_REQUESTS, values)
        found = await cursor.fetchone()
    assert found is not None  # an upsert returns its row
    return found
