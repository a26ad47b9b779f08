"""What memories and source files share once they are stored: one job, and one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import PgmqBroker
from services.api.metrics import INGESTED
from services.api.submitting import Accepted, Refused, submit
from shared.messages import MEMORY_INGESTION, Message
from shared.postgres.api_keys import ApiKey
from shared.postgres.code_entities import FileDraft
from shared.postgres.memories import MemoryDraft, Saved

Drafted = TypeVar("Drafted", MemoryDraft, FileDraft)


@dataclass(frozen=True, slots=True)
class Stored(Generic[Drafted]):
    """The items of one request, and the rows of those that were accepted."""

    kind: Literal["memory", "code"]
    project_name: str | None
    items: Sequence[Accepted[Drafted] | Refused]
    rows: Mapping[str, Saved]

    @property
    def changed(self) -> list[tuple[UUID, Drafted]]:
        """What is new or changed, with the ids of its rows."""
        return [
            (row.id, item.draft)
            for item in self.items
            if isinstance(item, Accepted) and (row := self.rows[item.name]).is_changed
        ]


async def submit_changed(
    conn: AsyncConnection[TupleRow],
    broker: PgmqBroker,
    caller: ApiKey,
    stored: Stored[Drafted],
    to_message: Callable[[ApiKey, UUID, Drafted], Message],
) -> UUID:
    """Queue what is new or changed, in the transaction of `conn`; return the job's id."""
    changed = stored.changed
    return await submit(
        conn,
        broker,
        caller,
        queue=MEMORY_INGESTION,
        kind=stored.kind,
        messages=[to_message(caller, row_id, draft) for row_id, draft in changed],
        project_name=stored.project_name,
        content_bytes=sum(len(draft.content.encode()) for _, draft in changed),
    )


def describe_items(stored: Stored[Drafted], naming: str) -> dict[str, object]:
    """Return what became of each item and how many ended in each way; count them for `/metrics`.

    Args:
        naming: the field that tells an item's name.
    """
    results = [{naming: item.name, **_outcome(item, stored.rows)} for item in stored.items]
    counts = Counter(str(result["status"]) for result in results)
    for status, number in counts.items():
        INGESTED.labels(stored.kind, status).inc(number)
    tally = {status: counts[status] for status in ("queued", "unchanged", "failed")}
    return {**tally, "results": results}


def _outcome(item: Accepted[Drafted] | Refused, rows: Mapping[str, Saved]) -> dict[str, object]:
    if isinstance(item, Refused):
        error = {"field": item.error.field, "reason": item.error.reason}
        return {"status": "failed", "error": error}
    row = rows[item.name]
    return {"id": row.id, "status": "queued" if row.is_changed else "unchanged"}
