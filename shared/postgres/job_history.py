"""What is known of a job beside its messages: failed attempts, who cancelled it, what it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.postgres.workspaces import own_spellings

MOST_TRACES: Final = 100
MOST_FAILURES: Final = 100
MOST_CANCELS: Final = 20
MOST_PRODUCED: Final = 50
TITLE_CHARACTERS: Final = 100

# One statement, since a page has three. A message that was archived names what it wrote; patterns
# are named by the spans of those who found them, as long as these are kept.
FIND_HISTORY: Final[LiteralString] = """
WITH of_job AS MATERIALIZED (
    SELECT trace_id, errors FROM traces
    WHERE job_id = %(job_id)s AND workspace_id = ANY (own_workspaces())
    LIMIT %(traces)s
), told AS MATERIALIZED (
    SELECT s.trace_id, s.status, s.started_at + s.duration_ms * interval '1 millisecond' AS at,
           s.attributes
    FROM of_job JOIN spans AS s USING (trace_id)
    WHERE s.workspace_id = ANY (own_workspaces())
      AND (s.attributes ? 'supastate.pattern.ids'
           OR (s.status = 'error' AND s.attributes->>'messaging.operation.name' = 'process'))
), failures AS (
    SELECT at, trace_id, attributes->>'messaging.destination.name' AS queue,
           attributes->>'messaging.message.id' AS message_id,
           attributes->>'messaging.pgmq.message.attempt' AS attempt,
           attributes->>'error.type' AS error
    FROM told WHERE status = 'error' AND attributes->>'messaging.operation.name' = 'process'
    ORDER BY at DESC LIMIT %(failures)s
), cancels AS (
    SELECT at, key_name, count, reason FROM audit_log
    WHERE workspace_id = ANY (own_workspaces()) AND at >= %(created_at)s
      AND action = 'job.cancel' AND target = %(job_text)s
    ORDER BY at DESC LIMIT %(cancels)s
), entities AS (
    SELECT message->>'type' AS kind,
           coalesce(message->>'memory_id', message->>'code_entity_id') AS id
    FROM pgmq.a_memory_ingestion
    WHERE headers->>'job_id' = %(job_text)s AND headers->>'group' = ANY (%(groups)s)
      AND NOT headers ? 'cancelled' AND message->>'type' IN ('memory', 'code')
      AND pg_input_is_valid(coalesce(message->>'memory_id', message->>'code_entity_id'), 'uuid')
    LIMIT %(produced)s + 1
), produced AS (
    SELECT entities.kind, entities.id,
           coalesce(code.path, "left"(memory.content, %(characters)s)) AS title,
           coalesce(code.id, memory.id) IS NOT NULL AS is_there
    FROM entities
    LEFT JOIN memories AS memory ON entities.kind = 'memory' AND memory.id = entities.id::uuid
    LEFT JOIN code_entities AS code ON entities.kind = 'code' AND code.id = entities.id::uuid
    UNION ALL
    (SELECT DISTINCT 'pattern', id, told.attributes->>'supastate.pattern.type', true
     FROM told, unnest(string_to_array(told.attributes->>'supastate.pattern.ids', ',')) AS id
     WHERE pg_input_is_valid(id, 'uuid') LIMIT %(produced)s + 1)
    UNION ALL
    (SELECT DISTINCT 'summary', message->>'project_name', message->>'project_name', true
     FROM pgmq.a_summary_generation
     WHERE headers->>'job_id' = %(job_text)s AND headers->>'group' = ANY (%(groups)s)
       AND NOT headers ? 'cancelled' AND message ? 'project_name' LIMIT %(produced)s + 1)
)
SELECT (SELECT coalesce(jsonb_agg(failures), '[]') FROM failures) AS failures,
       (SELECT coalesce(jsonb_agg(cancels), '[]') FROM cancels) AS cancels,
       (SELECT coalesce(jsonb_agg(produced), '[]') FROM produced) AS produced
"""


@dataclass(frozen=True, slots=True)
class JobHistory:
    """Rows as the statement names them: `failures` and `produced` as far as they are known."""

    failures: list[dict[str, Any]]
    cancels: list[dict[str, Any]]
    produced: list[dict[str, Any]]
    """Of each kind at most `MOST_PRODUCED`, and one more where there are more."""


async def find_history(
    conn: AsyncConnection[TupleRow], workspace_id: str, job_id: UUID, created_at: datetime
) -> JobHistory:
    """Return what is known of a job of the workspace that this transaction is for."""
    wanted = {
        "job_id": job_id,
        "job_text": str(job_id),
        "groups": own_spellings(workspace_id),
        "created_at": created_at,
        "traces": MOST_TRACES,
        "failures": MOST_FAILURES,
        "cancels": MOST_CANCELS,
        "produced": MOST_PRODUCED,
        "characters": TITLE_CHARACTERS,
    }
    async with conn.cursor(row_factory=class_row(JobHistory)) as cursor:
        await cursor.execute(FIND_HISTORY, wanted)
        found = await cursor.fetchone()
    assert found is not None
    return found
