"""What is told of one memory or file, as OpenAPI shows it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field, JsonValue

from services.api.answers import Answer
from services.api.examples import found as found_examples
from services.api.examples import shown
from services.api.search_answers import Kind


class RelatedFound(Answer):
    """A memory or file that one is tied to."""

    tie: Literal["before", "after", "mentions", "mentioned_in", "imports", "imported_by"]
    kind: Kind
    id: str
    title: str
    excerpt: str
    occurred_at: datetime | None
    methods: list[str] = Field(description="how it was found: tool_path, name_match, similarity")
    names: list[str] = Field(description="the names that both have")


class PatternOfEntity(Answer):
    """A pattern that it is evidence of."""

    id: str
    type: str
    name: str
    period: str = Field(description="its time; of topics and discussed files, what it is about")
    confidence: float


class EntityMessageFound(Answer):
    """A message that wrote it to the graph, or is to do so."""

    state: Literal["waiting", "delayed", "running", "retrying", "done", "dead"]
    enqueued_at: datetime
    ended_at: datetime | None
    job_id: UUID | None
    trace_id: str | None
    error: str | None


class EntityFound(Answer):
    """One memory or file as a whole, and what the system did with it."""

    model_config = shown(found_examples.ENTITY)

    kind: Kind
    id: str
    title: str
    content: str
    metadata: dict[str, JsonValue]
    chunk_id: str | None
    project_name: str | None
    session_id: str | None
    user_id: str | None
    path: str | None
    language: str | None
    type: str | None
    occurred_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    related: list[RelatedFound] = Field(description="at most 50 of each tie")
    patterns: list[PatternOfEntity]
    messages: list[EntityMessageFound] = Field(description="newest first, at most 10")
    permalink: str
