"""Who did what: one entry for each change that a person asked for, in the change's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from shared.postgres.api_keys import ApiKey

RECORD_ACTION: Final[LiteralString] = """
INSERT INTO audit_log (workspace_id, key_id, key_name, user_id, action, target, filter, count,
                       reason)
VALUES (%(workspace_id)s, %(key_id)s, %(key_name)s, %(user_id)s, %(action)s, %(target)s, %(filter)s,
        %(count)s, %(reason)s)
"""
LIST_ENTRIES: Final[LiteralString] = """
SELECT id, at, key_id, key_name, user_id, action, target, filter, count, reason
FROM audit_log
WHERE workspace_id = %(workspace_id)s
  AND (%(before_at)s::timestamptz IS NULL OR (at, id) < (%(before_at)s, %(before_id)s))
  AND (%(action)s::text IS NULL OR starts_with(action, %(action)s))
  AND (%(key_id)s::uuid IS NULL OR key_id = %(key_id)s)
  AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY at DESC, id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Action:
    """A change: what was done to what. Ids and counts only, no content."""

    action: str
    """Noun and verb: `queue.pause`, `dead_letters.redrive`, `key.revoke`."""
    target: str
    """What it was done to: a queue's name, an id."""
    filter: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What chose the things it was about, where it was not an id."""
    count: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action as it is stored."""

    id: int
    at: datetime
    key_id: UUID | None
    key_name: str
    user_id: UUID
    action: str
    target: str
    filter: dict[str, JsonValue]
    count: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries to read; what is not named, any."""

    action: str | None = None
    """How it begins."""
    key_id: UUID | None = None
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


ANY: Final = AuditFilter()
NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Who acts where Postgres is, without a key; nobody's name in Supastate is known of them."""

    workspace_id: str
    name: str
    id: None = None
    user_id: UUID = NOBODY


async def record_action(
    conn: AsyncConnection[TupleRow], actor: ApiKey | CommandLine, action: Action
) -> None:
    """Note what was done, and who did; belongs in the transaction that does it."""
    await conn.execute(
        RECORD_ACTION,
        {
            "workspace_id": actor.workspace_id,
            "key_id": actor.id,
            "key_name": actor.name,
            "user_id": actor.user_id,
            "action": action.action,
            "target": action.target,
            "filter": Jsonb(dict(action.filter)),
            "count": action.count,
            "reason": action.reason,
        },
    )


async def list_entries(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    *,
    limit: int,
    before: tuple[datetime, int] | None = None,
    wanted: AuditFilter = ANY,
) -> list[AuditEntry]:
    """Return a page of the workspace's entries, newest first."""
    at, entry_id = before or (None, None)
    values = {
        "workspace_id": workspace_id,
        "before_at": at,
        "before_id": entry_id,
        "limit": limit,
        **asdict(wanted),
    }
    async with conn.cursor(row_factory=class_row(AuditEntry)) as cursor:
        await cursor.execute(LIST_ENTRIES, values)
        return await cursor.fetchall()
