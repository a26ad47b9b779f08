"""Deletes all data of a user, a project or a workspace from Postgres, step by step.

What is deleted stands in a row of `deletions`; the functions of migration 0019 read it there, so
a worker can delete only what somebody with the right asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from shared.postgres.api_keys import ApiKey

Scope: TypeAlias = Literal["workspace", "project", "user"]
MessageTable: TypeAlias = tuple[str, Literal["q", "a"]]

LOCK: Final[LiteralString] = "SELECT pg_advisory_xact_lock(deletion_lock(%(workspace_id)s))"
CREATE_DELETION: Final[LiteralString] = """
INSERT INTO deletions (
    id, workspace_id, scope, project, person, key_id, key_name, requested_by)
VALUES (
    %(id)s, %(workspace_id)s, %(scope)s, %(project)s, %(person)s, %(key_id)s, %(key_name)s,
    %(requested_by)s)
"""
_COLUMNS: Final[LiteralString] = """
SELECT id, workspace_id, scope, project, person, requested_at, passes, waits, erased, finished_at
FROM deletions
"""
FIND_DELETION: Final[LiteralString] = _COLUMNS + "WHERE id = %(id)s"
FIND_OWN_DELETION: Final[LiteralString] = FIND_DELETION + " AND workspace_id = %(workspace_id)s"
LIST_TABLES: Final[LiteralString] = "SELECT queue_name FROM pgmq.meta ORDER BY queue_name"
ERASE_ROWS: Final[LiteralString] = "SELECT erase_rows(%(id)s, %(limit)s)"
ERASE_MESSAGES: Final[LiteralString] = """
SELECT looked_to, erased, spared
FROM erase_idle_messages(%(id)s, %(queue)s, %(kind)s, %(after)s, %(limit)s)
"""
ERASE_TRACES: Final[LiteralString] = """
SELECT looked_to, erased FROM erase_traces(%(id)s, %(after)s, %(limit)s)
"""
LIST_MARKS: Final[LiteralString] = """
SELECT id FROM deletion_marks
WHERE deletion_id = %(id)s AND kind = %(kind)s AND id > %(after)s
ORDER BY id LIMIT %(limit)s
"""
LIST_WORKED_ON: Final[LiteralString] = "SELECT delivery, is_ours FROM messages_worked_on(%(id)s)"
NOTE_ERASED: Final[LiteralString] = """
UPDATE deletions SET erased = (
    SELECT jsonb_object_agg(name, total) FROM (
        SELECT key AS name, sum(value::bigint) AS total
        FROM (SELECT * FROM jsonb_each_text(erased)
              UNION ALL SELECT * FROM jsonb_each_text(%(erased)s)) AS counted
        GROUP BY key) AS totals)
WHERE id = %(id)s
"""
UPDATE_PASSES: Final[LiteralString] = """
UPDATE deletions SET passes = passes + 1, waits = %(waits)s WHERE id = %(id)s
"""
HIDE_NAMES: Final[LiteralString] = "SELECT hide_names(%(id)s)"
FORGET_MARKS: Final[LiteralString] = "SELECT forget_marks(%(id)s, %(limit)s)"
FINISH: Final[LiteralString] = "SELECT finish_deletion(%(id)s)"


@dataclass(frozen=True, slots=True)
class Target:
    """What is deleted: a workspace, or one project or user of it."""

    scope: Scope
    project: str | None = None
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion and how far it is; of one that is done, only counts are known."""

    id: UUID
    workspace_id: str
    scope: Scope
    project: str | None
    person: UUID | None
    requested_at: datetime
    passes: int
    waits: list[str]
    """Messages that were being worked on when the last pass ended."""
    erased: dict[str, int]
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkedOn:
    """A message of the workspace that somebody works on."""

    delivery: str
    is_ours: bool
    """Whether it says itself that it is about what is deleted."""


async def create_deletion(
    conn: AsyncConnection[TupleRow], caller: ApiKey, deletion_id: UUID, target: Target
) -> None:
    """Note a deletion, after every request that is storing something in the workspace."""
    values = {
        "id": deletion_id,
        "workspace_id": caller.workspace_id,
        "scope": target.scope,
        "project": target.project,
        "person": target.person,
        "key_id": caller.id,
        "key_name": caller.name,
        "requested_by": caller.user_id,
    }
    await conn.execute(LOCK, values)
    await conn.execute(CREATE_DELETION, values)


async def find_deletion(
    conn: AsyncConnection[TupleRow], deletion_id: UUID, workspace_id: str | None = None
) -> Deletion | None:
    """Return a deletion, of the workspace where one is named."""
    statement = FIND_DELETION if workspace_id is None else FIND_OWN_DELETION
    async with conn.cursor(row_factory=class_row(Deletion)) as cursor:
        await cursor.execute(statement, {"id": deletion_id, "workspace_id": workspace_id})
        return await cursor.fetchone()


async def erase_rows(
    conn: AsyncConnection[TupleRow], deletion_id: UUID, *, limit: int
) -> Counter[str]:
    """Delete up to so many rows of each table; return how many by table, none when all are gone."""
    row = await (await conn.execute(ERASE_ROWS, {"id": deletion_id, "limit": limit})).fetchone()
    return Counter[str](row[0] if row else {})


async def list_message_tables(conn: AsyncConnection[TupleRow]) -> list[MessageTable]:
    """Return the queues, dead letter queues and the archives of both, in the order to look at them.

    A message moves on only to what comes later: a dead letter that is sent again, too.
    """
    queues = [row[0] async for row in await conn.execute(LIST_TABLES)]
    dead = [queue for queue in queues if queue.endswith("_dlq")]
    work = [queue for queue in queues if queue not in dead]
    return [*((one, "q") for one in (*dead, *work, *dead)), *((one, "a") for one in queues)]


async def erase_messages(
    conn: AsyncConnection[TupleRow],
    deletion_id: UUID,
    table: MessageTable,
    *,
    after: int,
    limit: int,
) -> tuple[int | None, int, int]:
    """Delete what is to be erased among the next messages.

    Returns:
        Up to which was looked, None at the end; how many were deleted; how many were spared,
        because somebody works on them.
    """
    queue, kind = table
    values = {"id": deletion_id, "queue": queue, "kind": kind, "after": after, "limit": limit}
    row = await (await conn.execute(ERASE_MESSAGES, values)).fetchone()
    return (row[0], row[1], row[2]) if row else (None, 0, 0)


async def erase_traces(
    conn: AsyncConnection[TupleRow], deletion_id: UUID, *, after: str, limit: int
) -> tuple[str | None, int]:
    """Delete what is to be erased among the next spans; return up to which trace, and how many.

    None is the end.
    """
    values = {"id": deletion_id, "after": after, "limit": limit}
    row = await (await conn.execute(ERASE_TRACES, values)).fetchone()
    return (row[0], row[1]) if row else (None, 0)


async def list_marks(
    conn: AsyncConnection[TupleRow],
    deletion_id: UUID,
    kind: Literal["memories", "code_entities"],
    *,
    after: str,
    limit: int,
) -> list[str]:
    """Return the next ids of what was deleted."""
    values = {"id": deletion_id, "kind": kind, "after": after, "limit": limit}
    return [row[0] async for row in await conn.execute(LIST_MARKS, values)]


async def list_worked_on(conn: AsyncConnection[TupleRow], deletion_id: UUID) -> list[WorkedOn]:
    """Return the workspace's messages that somebody works on, deletions apart."""
    async with conn.cursor(row_factory=class_row(WorkedOn)) as cursor:
        await cursor.execute(LIST_WORKED_ON, {"id": deletion_id})
        return await cursor.fetchall()


async def note_erased(
    conn: AsyncConnection[TupleRow], deletion_id: UUID, erased: Mapping[str, int]
) -> None:
    """Add to what is deleted so far."""
    if any(erased.values()):
        await conn.execute(NOTE_ERASED, {"id": deletion_id, "erased": Jsonb(dict(erased))})


async def note_pass(
    conn: AsyncConnection[TupleRow], deletion_id: UUID, waits: Sequence[str]
) -> None:
    """Note that a pass has ended, and for which messages the next one waits."""
    await conn.execute(UPDATE_PASSES, {"id": deletion_id, "waits": list(waits)})


async def hide_names(conn: AsyncConnection[TupleRow], deletion_id: UUID) -> None:
    """Empty what the audit log says of what was deleted; before its marks are forgotten."""
    await conn.execute(HIDE_NAMES, {"id": deletion_id})


async def forget_marks(conn: AsyncConnection[TupleRow], deletion_id: UUID, *, limit: int) -> int:
    """Take away up to so many notes of what was deleted; return how many."""
    row = await (await conn.execute(FORGET_MARKS, {"id": deletion_id, "limit": limit})).fetchone()
    return int(row[0]) if row else 0


async def finish_deletion(conn: AsyncConnection[TupleRow], deletion_id: UUID) -> None:
    """Forget what was deleted, and note in the audit log how much."""
    await conn.execute(FINISH, {"id": deletion_id})
