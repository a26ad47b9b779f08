"""What one summary request does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from faststream_pgmq import report_progress
from shared.domain.redaction import redact
from shared.domain.summarising import Episode
from shared.llm import Summariser
from shared.messages import SummarizeProject
from shared.postgres.availability import translated_errors
from shared.postgres.project_summaries import (
    RecentMemory,
    SummaryState,
    find_state,
    read_clock,
    read_recent_memories,
    save_summary,
)

SOON_SECONDS: Final = 1.0
Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]


@dataclass(frozen=True, slots=True)
class Written:
    """A summary that was stored."""

    summary: str
    model: str
    memories_included: int


@dataclass(frozen=True, slots=True)
class TooYoung:
    """The current summary is younger than the debounce, or a memory it would be made of was
    deleted meanwhile: ask again after the delay."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class UpToDate:
    """The current summary was written from what is there."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one request starts from; `read_at` is the database's time before it was read."""

    read_at: datetime
    state: SummaryState | None
    memories: list[RecentMemory]


async def summarize_project(
    job: SummarizeProject, *, pool: Pool, summariser: Summariser, debounce_seconds: float
) -> Written | TooYoung | UpToDate:
    """Write a project's summary, unless the current one is young or still true.

    May run twice for one message: the second run finds the summary of the first.

    Raises:
        DependencyDownError: Postgres or the model's server does not answer.
        EmptyAnswerError: the model writes nothing.
    """
    with translated_errors():
        async with pool.connection() as conn:
            found = await _read(conn, job)
    if not found.memories or (found.state and not _is_stale(found.state, found.memories)):
        return UpToDate()
    if found.state and found.state.age_seconds < debounce_seconds:
        return TooYoung(debounce_seconds - found.state.age_seconds)
    # No connection is held while a model writes.
    episodes = [_episode(memory) for memory in found.memories]
    report_progress(f"{summariser.model} writes of {len(episodes)} memories")
    summary = await summariser.summarise(job.project_name, episodes)
    written = Written(summary, summariser.model, len(episodes))
    with translated_errors():
        async with pool.connection() as conn:
            is_saved = await _save(conn, job, found, written)
    # What was deleted while the model wrote must not be told: it is written again without it.
    return written if is_saved else TooYoung(SOON_SECONDS)


async def _read(conn: AsyncConnection[TupleRow], job: SummarizeProject) -> _Found:
    return _Found(
        read_at=await read_clock(conn),
        state=await find_state(conn, job.workspace_id, job.project_name),
        memories=await read_recent_memories(conn, job.workspace_id, job.project_name),
    )


async def _save(
    conn: AsyncConnection[TupleRow], job: SummarizeProject, found: _Found, written: Written
) -> bool:
    return await save_summary(
        conn,
        job.workspace_id,
        job.project_name,
        summary=written.summary,
        model=written.model,
        sources=found.memories,
        read_at=found.read_at,
    )


def _is_stale(state: SummaryState, memories: list[RecentMemory]) -> bool:
    """Whether a memory came, changed or went since the summary's were read."""
    newest_change = max(memory.updated_at for memory in memories)
    return (
        newest_change > state.updated_at
        or len(memories) != state.memories_included
        or memories[0].occurred_at != state.last_memory_timestamp
    )


def _episode(memory: RecentMemory) -> Episode:
    # The API redacts what it stores; a row that SQL wrote may still hold a secret.
    content, _ = redact(memory.content)
    return Episode(content, memory.metadata, memory.occurred_at, memory.session_id)
