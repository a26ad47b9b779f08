"""What clients are answered, as OpenAPI shows it. Pure."""

from __future__ import annotations

from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from services.api.errors import Detail, Echo, Problem


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

    success: bool = True
    job_id: UUID
    queued: int


class MemoriesSubmitted(Submitted):
    """Of each chunk: queued, unchanged since it was sent before, or failed."""

    unchanged: int
    failed: int
    results: list[ChunkResult]


class CodeSubmitted(Submitted):
    """Of each file: queued, unchanged since it was sent before, or failed."""

    unchanged: int
    failed: int
    results: list[FileResult]


class MessageSubmitted(Submitted):
    """One message was stored and queued."""

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

    summaries: list[SummaryFound]
    count: int


_EXAMPLES: Final[dict[HTTPStatus, dict[str, JsonValue]]] = {
    HTTPStatus.BAD_REQUEST: {
        "error": "the request is not as documented",
        "details": [{"field": "chunks", "reason": "Field required"}],
    },
    HTTPStatus.UNAUTHORIZED: {"error": "a valid API key is needed: Authorization: Bearer <key>"},
    HTTPStatus.FORBIDDEN: {"error": "workspaceId: not the workspace of this API key"},
    HTTPStatus.NOT_FOUND: {"error": "no such job"},
    HTTPStatus.CONFLICT: {"error": "expectedCount: 411 dead letters match, not 412; preview again"},
    HTTPStatus.TOO_MANY_REQUESTS: {"error": "this API key may make 6000 requests a minute"},
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"error": "the body is larger than 16777216 bytes"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"error": "Postgres does not answer; try again"},
}


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the description of a route's errors, those that any route with a key has included."""
    usual = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    rare = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    described: dict[int | str, dict[str, Any]] = {
        status.value: {
            "model": Problem,
            "description": status.phrase,
            "content": {"application/json": {"example": _EXAMPLES[status]}},
        }
        for status in (*usual, *statuses, *rare)
    }
    # Else FastAPI would announce its own 422, which is never sent.
    return described | {"default": {"model": Problem, "description": "Any other error"}}
