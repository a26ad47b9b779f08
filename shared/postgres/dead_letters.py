"""Dead letters of a workspace: grouped by what they failed of, listed, and one at a time.

`shared.postgres.letter_queries` says which are meant, and holds the statements of the lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from shared.messages import QUEUES
from shared.postgres.letter_queries import (
    ALL,
    GroupPlace,
    LetterPlace,
    LetterQuery,
    groups_statement,
    letters_statement,
)
from shared.postgres.workspaces import own_spellings

COUNT_AT_MOST: Final = 100_000
"""A preview counts no further."""
TRACEBACK_READ: Final = 100_000
PAYLOAD_READ_BYTES: Final = 16 * 1024 * 1024

_GET: Final[LiteralString] = """
SELECT d.queue, d.msg_id, d.fingerprint, d.died_at, d.error, d.message, d.frame, d.release,
       d.attempts, d.job_id, d.trace_id,
       CASE jsonb_typeof(letter.headers->'dead_letter') WHEN 'object'
            THEN letter.headers #- '{{dead_letter,traceback}}' ELSE letter.headers END AS headers,
       right(letter.headers #>> '{{dead_letter,traceback}}', %(traceback_read)s) AS traceback,
       octet_length(letter.headers #>> '{{dead_letter,traceback}}') AS traceback_bytes,
       regexp_count(letter.headers #>> '{{dead_letter,traceback}}', 'File "') AS traceback_frames,
       CASE WHEN octet_length(letter.message::text) <= %(payload_read)s
            THEN letter.message::text END AS payload,
       octet_length(letter.message::text) AS payload_bytes
FROM dead_letters AS d JOIN pgmq.q_{queue}_dlq AS letter ON letter.msg_id = d.msg_id
WHERE d.queue = '{queue}' AND d.msg_id = %(msg_id)s AND d.workspace_id = ANY(%(workspaces)s)
"""
GET: Final[dict[str, LiteralString]] = {queue: _GET.format(queue=queue) for queue in QUEUES}

PREVIEW: Final[LiteralString] = """
SELECT count(*), coalesce(max(msg_id), 0), pg_current_snapshot()::text
FROM matching_letters(%(workspace_id)s, %(queue)s, %(filter)s, most => %(most)s)
"""


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A dead letter as a list shows it."""

    queue: str
    msg_id: int
    fingerprint: str
    died_at: datetime
    error: str
    message: str
    frame: str
    release: str | None
    attempts: int | None
    job_id: str | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class WholeLetter(LetterRow):
    """A dead letter with what it holds: a payload as text, for it may be one nobody can read."""

    headers: JsonValue
    """Without the traceback; anybody may write any JSON as headers."""
    traceback: str | None
    """Its last 100,000 characters."""
    traceback_bytes: int | None
    traceback_frames: int | None
    payload: str | None
    """None where it is larger than anybody could send."""
    payload_bytes: int | None


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """Dead letters that failed of the same."""

    queue: str
    fingerprint: str
    count: int
    first_at: datetime
    last_at: datetime
    newest_id: int
    error: str
    title: str
    """The error's message without what differs."""
    frame: str
    release: str | None
    bars_seconds: int
    bars: list[int]
    """How many died in each part of the last `bars_seconds`, oldest first."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a redrive or discard would be about."""

    count: int
    """At most `COUNT_AT_MOST` + 1."""
    highest_id: int
    snapshot: str
    """Names the letters that were there."""


async def list_groups(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    query: LetterQuery = ALL,
    *,
    limit: int,
    before: GroupPlace | None = None,
) -> list[LetterGroup]:
    """Return a page of groups, the one with the newest letter first."""
    async with conn.cursor(row_factory=class_row(LetterGroup)) as cursor:
        await cursor.execute(*groups_statement(workspace_id, query, limit=limit, before=before))
        return await cursor.fetchall()


async def list_letters(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    query: LetterQuery = ALL,
    *,
    limit: int,
    before: LetterPlace | None = None,
) -> list[LetterRow]:
    """Return a page of letters, newest first."""
    async with conn.cursor(row_factory=class_row(LetterRow)) as cursor:
        await cursor.execute(*letters_statement(workspace_id, query, limit=limit, before=before))
        return await cursor.fetchall()


async def find_letter(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    queue: str,
    msg_id: int,
    *,
    whole_traceback: bool = False,
) -> WholeLetter | None:
    """Return one letter of the workspace in one of `QUEUES`."""
    values = {
        "workspaces": own_spellings(workspace_id),
        "msg_id": msg_id,
        "traceback_read": 2**31 - 1 if whole_traceback else TRACEBACK_READ,
        "payload_read": PAYLOAD_READ_BYTES,
    }
    async with conn.cursor(row_factory=class_row(WholeLetter)) as cursor:
        await cursor.execute(GET[queue], values)
        return await cursor.fetchone()


async def preview_letters(
    conn: AsyncConnection[TupleRow], workspace_id: str, queue: str, query: LetterQuery
) -> Preview:
    """Return how many letters of a queue match now, and the snapshot that names just these."""
    values = {
        "workspace_id": workspace_id,
        "queue": queue,
        "filter": Jsonb(query.as_filter()),
        "most": COUNT_AT_MOST + 1,
    }
    row = await (await conn.execute(PREVIEW, values)).fetchone()
    assert row is not None  # a count is always one row
    return Preview(*row)
