"""What a search is answered, as OpenAPI shows it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import Field

from services.api.answers import Answer
from services.api.examples import found as found_examples
from services.api.examples import shown

Kind: TypeAlias = Literal["memory", "code"]


class SnippetFound(Answer):
    """Plain text on one line; `highlights` are [start, end) in Unicode characters of it."""

    text: str
    highlights: list[tuple[int, int]]
    is_cut_before: bool
    is_cut_after: bool


class ByMeaning(Answer):
    """Its place among the nearest by the exact cosine."""

    rank: int


class ByWords(Answer):
    """Its place in the full-text index, the index's score, and the query's words that it has."""

    rank: int
    score: float
    words: list[str]


class TieFound(Answer):
    """How it is tied to another result."""

    tie: Literal["same_session", "mentioned_in", "mentions", "same_pattern"]
    kind: Kind
    id: str
    title: str
    pattern_id: str | None = Field(default=None, description="the pattern that ties both")


class ByGraph(Answer):
    """Its place among the neighbours of the best results, and what it is tied to."""

    rank: int
    ties: list[TieFound]


class WhyFound(Answer):
    """What speaks for a result; null: it was not found that way."""

    meaning: ByMeaning | None
    words: ByWords | None
    graph: ByGraph | None


class Hit(Answer):
    """One result."""

    kind: Kind
    id: str
    title: str
    project_name: str | None
    session_id: str | None
    path: str | None
    language: str | None
    user_id: str | None
    source: str | None = Field(description="which program it is from: claude-code, git, …")
    occurred_at: datetime | None = Field(description="of a file: when it was last stored")
    snippet: SnippetFound
    score: float = Field(description="orders the results; comparable inside one search only")
    fused: float = Field(description="reciprocal rank fusion: the sum of 1 / (60 + rank)")
    similarity: float = Field(description="exact cosine to the query, -1 to 1")
    why: WhyFound
    permalink: str = Field(description="the page that shows it whole")


class SearchPage(Answer):
    """The best results, best first; `next` is the `after` of the following page."""

    model_config = shown(found_examples.RESULTS)

    query: str
    results: list[Hit]
    count: int
    ranked: int = Field(description="how many were ranked: pages end there, at most 100")
    next: str | None
