"""What people say of patterns: confirmed, dismissed, or nothing. Kept apart from the patterns,
which detection may delete and find again under the same id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.postgres.api_keys import ApiKey

Verdict: TypeAlias = Literal["confirmed", "dismissed"]

SAVE_REVIEW: Final[LiteralString] = """
INSERT INTO pattern_reviews AS r (
    workspace_id, pattern_id, project_name, user_id, verdict, note, reviewed_by)
VALUES (
    %(workspace_id)s, %(pattern_id)s, %(project_name)s, %(user_id)s, %(verdict)s, %(note)s,
    %(reviewed_by)s)
ON CONFLICT (workspace_id, pattern_id) DO UPDATE SET
    project_name = excluded.project_name,
    user_id = excluded.user_id,
    verdict = excluded.verdict,
    note = excluded.note,
    reviewed_by = excluded.reviewed_by,
    reviewed_at = now()
"""
DELETE_REVIEW: Final[LiteralString] = """
DELETE FROM pattern_reviews WHERE workspace_id = %(workspace_id)s AND pattern_id = %(pattern_id)s
"""
LIST_REVIEWS: Final[LiteralString] = """
SELECT pattern_id, verdict, note, reviewed_by, reviewed_at FROM pattern_reviews
WHERE workspace_id = %(workspace_id)s
"""


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody said of a pattern last."""

    pattern_id: UUID
    verdict: Verdict
    note: str | None
    reviewed_by: str
    reviewed_at: datetime


async def save_review(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    pattern_id: UUID,
    *,
    project_name: str,
    verdict: Verdict | None,
    note: str | None,
) -> None:
    """Note what the caller says of a pattern of its workspace; None takes it back. Repeatable."""
    values = {
        "workspace_id": caller.workspace_id,
        "pattern_id": pattern_id,
        "project_name": project_name,
        "user_id": caller.user_id,
        "verdict": verdict,
        "note": note,
        "reviewed_by": caller.name,
    }
    await conn.execute(DELETE_REVIEW if verdict is None else SAVE_REVIEW, values)


async def list_reviews(conn: AsyncConnection[TupleRow], workspace_id: str) -> dict[str, Review]:
    """Return what was said of a workspace's patterns, by their ids; people write few."""
    async with conn.cursor(row_factory=class_row(Review)) as cursor:
        await cursor.execute(LIST_REVIEWS, {"workspace_id": workspace_id})
        return {str(review.pattern_id): review async for review in cursor}
