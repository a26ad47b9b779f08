"""Which dead letters are meant, and the statements that list them and group them. Pure.

They read the narrow table that the triggers of migration 0017 keep, never the letters themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple, TypeAlias

from shared.messages import QUEUES
from shared.postgres.workspaces import own_spellings

GROUPED_AT_MOST: Final = 100_000
"""Groups are counted among so many newest letters of each queue."""
BARS: Final = 24
HIGHEST_ID: Final = 2**63 - 1
Statement: TypeAlias = tuple[LiteralString, dict[str, Any]]

_CONDITIONS: Final[dict[str, LiteralString]] = {
    "fingerprint": " AND d.fingerprint = %(fingerprint)s",
    "error": " AND d.error = %(error)s",
    "contains": " AND strpos(lower(d.message), lower(%(contains)s)) > 0",
    "since": " AND d.died_at >= %(since)s",
    "until": " AND d.died_at < %(until)s",
    "ids": " AND d.msg_id = ANY(%(ids)s)",
}
# In the order of (died_at, queue, msg_id), each queue from its own place in the index.
_BEFORE: Final[LiteralString] = """
  AND (d.died_at, d.msg_id) < (%(before_at)s, CASE
        WHEN queue.name = %(before_queue)s THEN %(before_id)s
        WHEN queue.name COLLATE "C" < %(before_queue)s THEN %(highest_id)s ELSE 0 END)
"""
_LIST: Final[LiteralString] = """
SELECT found.*
FROM unnest(%(workspaces)s::text[]) AS workspace (id), unnest(%(queues)s::text[]) AS queue (name),
LATERAL (
    SELECT d.queue, d.msg_id, d.fingerprint, d.died_at, d.error, left(d.message, 300) AS message,
           d.frame, d.release, d.attempts, d.job_id, d.trace_id
    FROM dead_letters AS d
    WHERE d.workspace_id = workspace.id AND d.queue = queue.name {conditions}
    ORDER BY d.died_at DESC, d.msg_id DESC LIMIT %(limit)s
) AS found
ORDER BY found.died_at DESC, found.queue COLLATE "C" DESC, found.msg_id DESC
LIMIT %(limit)s
"""
# One pass over the newest letters in the index, into few rows; the bars reach back as far as the
# shortest span that holds the newest of them. Part 0 is what is older.
_NEWEST: Final[LiteralString] = """
    FROM unnest(%(workspaces)s::text[]) AS workspace (id),
         unnest(%(queues)s::text[]) AS queue (name), LATERAL (
        SELECT d.queue, d.fingerprint, d.died_at, d.msg_id FROM dead_letters AS d
        WHERE d.workspace_id = workspace.id AND d.queue = queue.name {conditions}
        ORDER BY d.died_at DESC, d.msg_id DESC LIMIT {limit}
    ) AS letter
"""
_GROUPS: Final[LiteralString] = """
WITH span AS MATERIALIZED (
    SELECT days * interval '1 day' AS length,
           ARRAY(SELECT now() - days * interval '1 day' * (1 - n::float8 / %(bars)s)
                 FROM generate_series(0, %(bars)s - 1) AS n) AS starts
    FROM unnest(ARRAY[1, 7, 30, 365, 36500]) AS days
    WHERE now() - days * interval '1 day'
          < coalesce((SELECT max(letter.died_at) {newest_of_all}), now())
    ORDER BY days LIMIT 1
), part AS MATERIALIZED (
    SELECT letter.queue, letter.fingerprint,
           width_bucket(letter.died_at, (SELECT starts FROM span)) AS n, count(*) AS count,
           min(letter.died_at) AS first_at, max(letter.died_at) AS last_at,
           max(letter.msg_id) AS newest_id
    {newest}
    GROUP BY 1, 2, 3
), counted AS (
    SELECT queue, fingerprint, sum(count)::bigint AS count, min(first_at) AS first_at,
           max(last_at) AS last_at, max(newest_id) AS newest_id
    FROM part GROUP BY 1, 2
), page AS MATERIALIZED (
    SELECT * FROM counted
    WHERE %(before_at)s::timestamptz IS NULL
       OR (last_at, fingerprint) < (%(before_at)s, %(before_fingerprint)s)
    ORDER BY last_at DESC, fingerprint DESC LIMIT %(limit)s
), bar AS MATERIALIZED (
    SELECT fingerprint, array_agg(coalesce(part.count, 0) ORDER BY number.n) AS counts
    FROM page CROSS JOIN generate_series(1, %(bars)s) AS number (n)
    LEFT JOIN part USING (fingerprint, n)
    GROUP BY 1
)
SELECT page.queue, page.fingerprint, page.count, page.first_at, page.last_at, page.newest_id,
       sample.error, letter_title(sample.message) AS title, sample.frame, sample.release,
       extract(epoch FROM span.length)::bigint AS bars_seconds, bar.counts AS bars
FROM span, page JOIN bar USING (fingerprint) JOIN dead_letters AS sample
  ON sample.queue = page.queue AND sample.msg_id = page.newest_id
ORDER BY page.last_at DESC, page.fingerprint DESC
"""


class LetterPlace(NamedTuple):
    """Where a page of letters starts: after this one."""

    died_at: datetime
    queue: str
    msg_id: int


class GroupPlace(NamedTuple):
    """Where a page of groups starts: after this one."""

    last_at: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterQuery:
    """Which dead letters are meant; without any condition, all of the workspace."""

    queue: str | None = None
    fingerprint: str | None = None
    error: str | None = None
    """Class of the error."""
    contains: str | None = None
    """Text in the error's message, in upper or lower case."""
    since: datetime | None = None
    until: datetime | None = None
    """Died before this moment."""
    ids: tuple[int, ...] | None = None
    """Of one queue: ids of different queues may be equal."""

    def as_filter(self) -> dict[str, Any]:
        """Return what `matching_letters` takes, apart from the queue."""
        values = {name: getattr(self, name) for name in _CONDITIONS}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
            if value is not None
        }


ALL: Final = LetterQuery()


def groups_statement(
    workspace_id: str, query: LetterQuery, *, limit: int, before: GroupPlace | None = None
) -> Statement:
    """Return what `list_groups` runs."""
    conditions = _conditions(query)
    statement = _GROUPS.format(
        newest=_NEWEST.format(conditions=conditions, limit="%(cap)s"),
        newest_of_all=_NEWEST.format(conditions=conditions, limit="1"),
    )
    return statement, _values(workspace_id, query) | {
        "limit": limit,
        "cap": GROUPED_AT_MOST,
        "bars": BARS,
        "before_at": before and before.last_at,
        "before_fingerprint": before and before.fingerprint,
    }


def letters_statement(
    workspace_id: str, query: LetterQuery, *, limit: int, before: LetterPlace | None = None
) -> Statement:
    """Return what `list_letters` runs."""
    values = _values(workspace_id, query) | {"limit": limit}
    if before is None:
        return _LIST.format(conditions=_conditions(query)), values
    return _LIST.format(conditions=_conditions(query) + _BEFORE), values | {
        "before_at": before.died_at,
        "before_queue": before.queue,
        "before_id": before.msg_id,
        "highest_id": HIGHEST_ID,
    }


def _conditions(query: LetterQuery) -> LiteralString:
    wanted: LiteralString = ""
    for name, condition in _CONDITIONS.items():
        if getattr(query, name) is not None:
            wanted += condition
    return wanted


def _values(workspace_id: str, query: LetterQuery) -> dict[str, Any]:
    queues: Sequence[str] = QUEUES if query.queue is None else [query.queue]
    values = {name: getattr(query, name) for name in _CONDITIONS}
    values["ids"] = None if query.ids is None else list(query.ids)
    return values | {"workspaces": own_spellings(workspace_id), "queues": list(queues)}
