"""Which jobs match: looks at a bounded number of the newest, and says how far it looked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, TypeAlias, get_args
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from shared.messages import QUEUES
from shared.postgres.jobs import Job

JobStateName: TypeAlias = Literal["waiting", "running", "retrying", "done", "cancelled", "dead"]
JOB_STATES: Final[tuple[JobStateName, ...]] = get_args(JobStateName)
MOST_JOBS: Final = 2_000
"""Jobs that one page looks at; where it looks at their messages, fewer."""
MOST_JOBS_BY_STATE: Final = 1_000
MOST_JOBS_BY_MESSAGE: Final = 200

# Each a scalar subquery with LIMIT, so that it is answered from the index on the job's id: EXISTS
# might be answered by reading the whole table.
_STANDS_IN: Final[LiteralString] = """
(SELECT true FROM pgmq.{table} WHERE headers->>'job_id' = searched.id::text AND {met} LIMIT 1)
IS TRUE
"""


def _stands_in(tables: Sequence[LiteralString], met: LiteralString = "true") -> LiteralString:
    return " OR ".join([_STANDS_IN.format(table=table, met=met) for table in tables])


_QUEUES: Final[list[LiteralString]] = [f"q_{queue}" for queue in QUEUES]
_ARCHIVES: Final[list[LiteralString]] = [f"a_{queue}" for queue in QUEUES]
_LETTERS: Final[list[LiteralString]] = [f"q_{queue}_dlq" for queue in QUEUES]
_OF_STATE: Final[LiteralString] = """
CASE %(state)s
    WHEN 'dead' THEN ({dead})
    WHEN 'cancelled' THEN ({cancelled})
    WHEN 'done' THEN NOT ({live}) AND NOT ({dead})
    ELSE ({live})
END
"""
_STATES: Final[LiteralString] = _OF_STATE.format(
    dead=_stands_in(_LETTERS),
    cancelled=_stands_in(_ARCHIVES, "headers ? 'cancelled'"),
    live=_stands_in(_QUEUES),
)
_UUID: Final[LiteralString] = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
# A term is met by the text and by the number or boolean that it may stand for.
_MET_BY_MESSAGE: Final[LiteralString] = """
(%(project)s::text IS NULL OR message->>'project_name' = %(project)s
 OR EXISTS (SELECT FROM memories WHERE project_name = %(project)s AND id = CASE
        WHEN message->>'memory_id' ~ {uuid} THEN (message->>'memory_id')::uuid END)
 OR EXISTS (SELECT FROM code_entities WHERE project_name = %(project)s AND id = CASE
        WHEN message->>'code_entity_id' ~ {uuid} THEN (message->>'code_entity_id')::uuid END))
AND NOT EXISTS (
    SELECT FROM unnest(%(texts)s::jsonb[], %(values)s::jsonb[]) AS term (text, value)
    WHERE (message @> term.text OR message @> term.value
           OR headers @> term.text OR headers @> term.value) IS NOT TRUE
)
"""
_MESSAGES: Final[LiteralString] = _stands_in(
    [*_QUEUES, *_ARCHIVES, *_LETTERS], _MET_BY_MESSAGE.format(uuid=_UUID)
)
# A request that changed nothing is no work to look at. The bounds have a default each, so that
# they are always bounds of the index.
_SEARCHED: Final[LiteralString] = """
SELECT id, user_id, kind, submitted, created_at FROM jobs
WHERE workspace_id = %(workspace_id)s AND submitted > 0
  AND created_at >= coalesce(%(since)s, '-infinity'::timestamptz)
  AND created_at < coalesce(%(until)s, 'infinity'::timestamptz)
  AND (created_at, id) < (coalesce(%(before_at)s, 'infinity'::timestamptz),
                          coalesce(%(before_id)s, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
ORDER BY created_at DESC, id DESC
LIMIT %(most)s
"""
SEARCH_JOBS: Final[LiteralString] = """
WITH searched AS MATERIALIZED (
    SELECT *, row_number() OVER () AS place FROM ({searched}) AS newest
), found AS (
    SELECT * FROM searched
    WHERE (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
      AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s)
      {conditions}
    ORDER BY created_at DESC, id DESC
    LIMIT %(limit)s
), last AS (
    SELECT place, created_at, id FROM searched ORDER BY place DESC LIMIT 1
)
SELECT found.*, last.place AS last_place, last.created_at AS last_at, last.id AS last_id
FROM last LEFT JOIN found ON true
ORDER BY found.created_at DESC, found.id DESC
"""
SEARCH_BY_JOB: Final[LiteralString] = SEARCH_JOBS.format(searched=_SEARCHED, conditions="")
SEARCH_BY_STATE: Final[LiteralString] = SEARCH_JOBS.format(
    searched=_SEARCHED, conditions=f"AND {_STATES}"
)
SEARCH_BY_MESSAGE: Final[LiteralString] = SEARCH_JOBS.format(
    searched=_SEARCHED,
    conditions=f"AND (%(state)s::text IS NULL OR {_STATES}) AND ({_MESSAGES})",
)


@dataclass(frozen=True, slots=True)
class Term:
    """A name at the top of a message or its headers, and what it must be."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are meant; without any condition, all."""

    state: JobStateName | None = None
    kinds: Sequence[str] | None = None
    user_id: UUID | None = None
    project: str | None = None
    terms: Sequence[Term] = ()
    since: datetime | None = None
    """Asked for at this moment or later; `until` is without its moment."""
    until: datetime | None = None

    @property
    def most_searched(self) -> int:
        """How many jobs one page looks at."""
        if self.terms or self.project:
            return MOST_JOBS_BY_MESSAGE
        return MOST_JOBS_BY_STATE if self.state else MOST_JOBS


@dataclass(frozen=True, slots=True)
class JobsFound:
    """A page of jobs that match, newest first; a state is to be looked at once more.

    A state follows from the counts of a job's messages: what is found here may be of another one.
    """

    jobs: list[Job] = field(default_factory=list[Job])
    searched: int = 0
    """How many jobs were looked at."""
    searched_back_to: datetime | None = None
    next: tuple[datetime, UUID] | None = None
    """Where to go on; None when there are no older ones."""


async def search_jobs(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    wanted: JobFilter,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> JobsFound:
    """Return the next jobs that match, after `before`."""
    statement, parameters = searching(workspace_id, wanted, limit=limit, before=before)
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, parameters)
        return _describe(await cursor.fetchall(), wanted.most_searched, limit)


def searching(
    workspace_id: str,
    wanted: JobFilter,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> tuple[LiteralString, dict[str, Any]]:
    """Return the statement that finds them, and its parameters."""
    before_at, before_id = before or (None, None)
    texts, values = _alternatives(wanted.terms)
    return _choose(wanted), {
        "workspace_id": workspace_id,
        "state": wanted.state,
        "kinds": None if wanted.kinds is None else list(wanted.kinds),
        "user_id": wanted.user_id,
        "project": wanted.project,
        "texts": texts,
        "values": values,
        "since": wanted.since,
        "until": wanted.until,
        "before_at": before_at,
        "before_id": before_id,
        "most": wanted.most_searched,
        "limit": limit,
    }


def _choose(wanted: JobFilter) -> LiteralString:
    if wanted.terms or wanted.project:
        return SEARCH_BY_MESSAGE
    return SEARCH_BY_STATE if wanted.state else SEARCH_BY_JOB


def _alternatives(terms: Sequence[Term]) -> tuple[list[Jsonb], list[Jsonb]]:
    texts = [Jsonb({term.name: term.value}) for term in terms]
    values = [Jsonb({term.name: _read_value(term.value)}) for term in terms]
    return texts, values


def _read_value(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float) else text  # a boolean is an int


def _describe(rows: Sequence[dict[str, Any]], most: int, limit: int) -> JobsFound:
    if not rows:
        return JobsFound()
    jobs = [
        Job(row["id"], row["user_id"], row["kind"], row["submitted"], row["created_at"])
        for row in rows
        if row["id"] is not None
    ]
    last = rows[-1]
    if len(jobs) == limit:
        place = (jobs[-1].created_at, jobs[-1].id)
        return JobsFound(jobs, last["place"], last["created_at"], place)
    place = (last["last_at"], last["last_id"])
    is_cut = last["last_place"] == most
    return JobsFound(jobs, last["last_place"], last["last_at"], place if is_cut else None)
