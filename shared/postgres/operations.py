"""Redrives and discards of many dead letters, worked off in the background, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from shared.postgres.api_keys import ApiKey

Kind: TypeAlias = Literal["redrive", "discard"]
State: TypeAlias = Literal["queued", "running", "cancelled", "done", "failed"]
CHUNK: Final = 1_000
"""Letters in one transaction: some ten milliseconds, and few row locks."""

_COLUMNS: Final[LiteralString] = """
id, kind, queue, filter, total, done, skipped, rate, state, reason, requested_by, error, created_at,
started_at, finished_at
"""
START: Final[LiteralString] = f"""
WITH meant AS (
    SELECT count(*) AS total
    FROM matching_letters(%(workspace_id)s, %(queue)s, %(filter)s, %(snapshot)s::pg_snapshot)
), noticed AS (SELECT pg_notify('supastate_live', 'operations'))
INSERT INTO operations (workspace_id, kind, queue, filter, at, total, rate, reason, requested_by,
                        key_id)
SELECT %(workspace_id)s, %(kind)s, %(queue)s, %(filter)s, %(snapshot)s::pg_snapshot, total,
       %(rate)s, %(reason)s, %(requested_by)s, %(key_id)s
FROM meant, noticed
RETURNING {_COLUMNS}
"""
LIST: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM operations
WHERE workspace_id = %(workspace_id)s
  AND (%(before_at)s::timestamptz IS NULL OR (created_at, id) < (%(before_at)s, %(before_id)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
FIND: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM operations WHERE workspace_id = %(workspace_id)s AND id = %(id)s
"""
# Waits for the chunk that runs, so the totals that it returns are the last.
CANCEL: Final[LiteralString] = """
UPDATE operations SET state = 'cancelled', finished_at = clock_timestamp()
WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND state IN ('queued', 'running')
RETURNING pg_notify('supastate_live', 'operations')
"""
ADVANCE: Final[LiteralString] = (
    "SELECT operation_id, moved, wait_seconds FROM advance_operation(%s)"
)


class Place(NamedTuple):
    """Where a page of operations starts: after this one."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Operation:
    """How far a redrive or discard is."""

    id: UUID
    kind: Kind
    queue: str
    filter: dict[str, Any]
    total: int
    done: int
    skipped: int
    rate: float | None
    state: State
    reason: str
    requested_by: str
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def left(self) -> int:
        """Letters that it has not come to."""
        return self.total - self.done - self.skipped

    @property
    def is_over(self) -> bool:
        return self.state in ("cancelled", "done", "failed")


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk did; no operation where none was due."""

    operation_id: UUID | None
    moved: int | None
    wait_seconds: float | None
    """Until one is due; None when there is none."""


async def start_operation(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    *,
    kind: Kind,
    queue: str,
    meant: Mapping[str, Any],
    snapshot: str | None,
    reason: str,
    rate: float | None,
) -> Operation:
    """Return a new operation over the letters that `meant` matches at a preview's snapshot."""
    values = {
        "workspace_id": caller.workspace_id,
        "kind": kind,
        "queue": queue,
        "filter": Jsonb(dict(meant)),
        "snapshot": snapshot,
        "rate": rate,
        "reason": reason,
        "requested_by": caller.name,
        "key_id": caller.id,
    }
    async with conn.cursor(row_factory=class_row(Operation)) as cursor:
        await cursor.execute(START, values)
        started = await cursor.fetchone()
    assert started is not None  # the statement inserts one row
    return started


async def list_operations(
    conn: AsyncConnection[TupleRow], workspace_id: str, *, limit: int, before: Place | None = None
) -> Sequence[Operation]:
    """Return a page of the workspace's operations, newest first."""
    at, operation_id = before or (None, None)
    values = {
        "workspace_id": workspace_id,
        "before_at": at,
        "before_id": operation_id,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Operation)) as cursor:
        await cursor.execute(LIST, values)
        return await cursor.fetchall()


async def find_operation(
    conn: AsyncConnection[TupleRow], workspace_id: str, operation_id: UUID
) -> Operation | None:
    """Return one operation of the workspace."""
    async with conn.cursor(row_factory=class_row(Operation)) as cursor:
        await cursor.execute(FIND, {"workspace_id": workspace_id, "id": operation_id})
        return await cursor.fetchone()


async def cancel_operation(
    conn: AsyncConnection[TupleRow], workspace_id: str, operation_id: UUID
) -> bool:
    """Stop an operation; return whether it was not over before. What it has moved stays moved."""
    cursor = await conn.execute(CANCEL, {"workspace_id": workspace_id, "id": operation_id})
    return cursor.rowcount == 1


async def advance_operation(conn: AsyncConnection[TupleRow], chunk: int = CHUNK) -> Step:
    """Do one chunk of the operation that waits longest; belongs in a transaction of its own."""
    async with conn.cursor(row_factory=class_row(Step)) as cursor:
        await cursor.execute(ADVANCE, (chunk,))
        step = await cursor.fetchone()
    assert step is not None  # the function always returns one row
    return step
