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
    Sources,
    SummaryState,
    find_state,
    forget_summary,
    read_clock,
    read_sources,
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
    """The current summary is younger than the debounce, another one was stored meanwhile, or a
    memory it would be made of was deleted: ask again after the delay."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class UpToDate:
    """The current summary was written from what is there."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Nothing is left that the summary could tell of, so it went."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one request starts from; `read_at` is the database's time before it was read.

    The state is read before the sources: those of a later state are not missed.
    """

    read_at: datetime
    state: SummaryState | None
    sources: Sources


async def summarize_project(
    job: SummarizeProject, *, pool: Pool, summariser: Summariser, debounce_seconds: float
) -> Written | TooYoung | UpToDate | Forgotten:
    """Write a project's summary, unless the current one is young or still true.

    May run twice for one message: the second run finds the summary of the first.

    Raises:
        DependencyDownError: Postgres or the model's server does not answer.
        EmptyAnswerError: the model writes nothing.
    """
    with translated_errors():
        async with pool.connection() as conn:
            found = await _read(conn, job)
            if outcome := await _settle(conn, job, found, debounce_seconds):
                return outcome
    # No connection is held while a model writes.
    episodes = [_episode(memory) for memory in found.sources.memories]
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
        sources=await read_sources(conn, job.workspace_id, job.project_name),
    )


async def _settle(
    conn: AsyncConnection[TupleRow], job: SummarizeProject, found: _Found, debounce_seconds: float
) -> TooYoung | UpToDate | Forgotten | None:
    """Return the outcome where nothing is to be written; a summary of nothing goes at once."""
    state = found.state
    if not found.sources.memories:
        if state is None:
            return UpToDate()
        await forget_summary(conn, job.workspace_id, job.project_name, state)
        return Forgotten()
    if state is None:
        return None
    if state.sources_digest == found.sources.digest:
        return UpToDate()
    wait = debounce_seconds - state.age_seconds
    return TooYoung(wait) if wait > 0 else None


async def _save(
    conn: AsyncConnection[TupleRow], job: SummarizeProject, found: _Found, written: Written
) -> bool:
    return await save_summary(
        conn,
        job.workspace_id,
        job.project_name,
        summary=written.summary,
        model=written.model,
        sources=found.sources,
        read_at=found.read_at,
        found=found.state,
    )


def _episode(memory: RecentMemory) -> Episode:
    # The API redacts what it stores; a row that SQL wrote may still hold a secret.
    content, _ = redact(memory.content)
    return Episode(content, memory.metadata, memory.occurred_at, memory.session_id)
