"""What clients are answered, as OpenAPI shows it. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from services.api.errors import Detail, Echo
from services.api.examples import found as found_examples
from services.api.examples import patterns as patterns_examples
from services.api.examples import sending as sending_examples
from services.api.examples import shown


class Answer(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ItemResult(Answer):
    """What became of one item."""

    id: UUID | None = None
    status: Literal["queued", "unchanged", "failed"]
    error: Detail | None = None


class ChunkResult(ItemResult):
    """What became of one chunk."""

    chunk_id: Echo | None


class FileResult(ItemResult):
    """What became of one file."""

    path: Echo | None


class Submitted(Answer):
    """What was accepted. The work is done later: `GET /api/jobs/{jobId}` says how far it is."""

    model_config = shown(sending_examples.SUBMITTED)

    success: bool = True
    job_id: UUID
    queued: int


class MemoriesSubmitted(Submitted):
    """Of each chunk: queued, unchanged since it was sent before, or failed."""

    model_config = shown(sending_examples.MEMORIES_SUBMITTED)

    unchanged: int
    failed: int
    results: list[ChunkResult]


class CodeSubmitted(Submitted):
    """Of each file: queued, unchanged since it was sent before, or failed."""

    model_config = shown(sending_examples.CODE_SUBMITTED)

    unchanged: int
    failed: int
    results: list[FileResult]


class MessageSubmitted(Submitted):
    """One message was stored and queued."""

    model_config = shown(sending_examples.MESSAGE_SUBMITTED)

    id: UUID


class MemoryFound(Answer):
    """One memory and how near it is to the query: the cosine, -1 to 1."""

    id: str
    chunk_id: str
    content: str
    similarity: float
    metadata: dict[str, JsonValue]
    session_id: str | None
    project_name: str | None
    occurred_at: datetime


class MemoriesFound(Answer):
    """The nearest memories, nearest first."""

    model_config = shown(found_examples.MEMORIES)

    results: list[MemoryFound]
    count: int
    query: str


class EvidenceFound(Answer):
    """A memory or source file that a pattern was derived from."""

    id: str
    kind: str
    session_id: str | None
    occurred_at: datetime | None
    excerpt: str
    chunk_id: str | None = Field(default=None, description="of a memory")
    path: str | None = Field(default=None, description="of a source file")


class ReviewFound(Answer):
    """What somebody said of a pattern last."""

    verdict: Literal["confirmed", "dismissed"]
    note: str | None
    reviewed_by: str = Field(description="the name of the key")
    reviewed_at: datetime


class PatternFound(Answer):
    """One pattern with its evidence, oldest first."""

    id: str
    type: str
    name: str
    project_name: str | None
    period: str
    period_type: str
    confidence: float
    frequency: int
    first_detected: datetime
    last_validated: datetime
    last_updated: datetime
    metadata: dict[str, JsonValue]
    evidence: list[EvidenceFound]
    evidence_count: int
    first_at: datetime | None = Field(default=None, description="when what it is about began")
    last_at: datetime | None = None
    review: ReviewFound | None = Field(default=None, description="what somebody said of it")
    similarity: float | None = Field(default=None, description="only where words were searched")


class PatternsFound(Answer):
    """Patterns: the surest first, or the nearest to the words that were searched."""

    model_config = shown(patterns_examples.PATTERNS)

    patterns: list[PatternFound]
    count: int
    next: str | None = Field(default=None, description="the `after` of the following page")


class RelatedPattern(Answer):
    """Another pattern that stands on some of the same evidence."""

    id: str
    type: str
    name: str
    period: str
    project_name: str
    confidence: float
    shared: int = Field(description="how much evidence both stand on")


class PatternDetail(PatternFound):
    """One pattern: why it is one, in words and in numbers, and what is near it."""

    model_config = shown(patterns_examples.DETAIL)

    reason: str
    facts: dict[str, JsonValue] = Field(description="the numbers that the reason is about")
    related: list[RelatedPattern]


class WeekRate(Answer):
    """What share of a week's memories patterns of one type stand on."""

    week: date = Field(description="its Monday, in UTC")
    memories: int = Field(description="of the week, in the scope asked for")
    matched: int = Field(description="of these, what patterns of the type stand on")
    patterns: int
    share: float | None = Field(description="null in a week without memories")
    low: float = Field(description="the true share lies above it, 39 times of 40 (Wilson)")
    high: float


class RateStep(Answer):
    """From then on patterns were found by other rules or another model: a rate may differ by it.

    After a change of rules everything is looked at again, older weeks too; of another embedder are
    the vectors of what was written since, until all is embedded anew.
    """

    at: datetime
    week: date = Field(description="its Monday, in UTC")
    detector: str
    method: str
    before: str


class TypeRates(Answer):
    """One type's weeks, oldest first; the last one may still go on."""

    type: str
    weeks: list[WeekRate]
    steps: list[RateStep] = Field(
        description="in these weeks, as far as they were noted: each detector notes its own"
    )


class PatternRates(Answer):
    """How often each type of pattern is, week by week; dismissed patterns do not count."""

    model_config = shown(patterns_examples.RATES)

    rates: list[TypeRates]


class SummaryFound(Answer):
    """What a project is about and where it stands."""

    project_name: str
    summary: str
    model: str
    memories_included: int
    last_memory_timestamp: datetime
    created_at: datetime
    updated_at: datetime


class SummariesFound(Answer):
    """One summary a project."""

    model_config = shown(patterns_examples.SUMMARIES)

    summaries: list[SummaryFound]
    count: int
    next: str | None = Field(default=None, description="the `after` of the following page")
