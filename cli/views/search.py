"""Memories found by a search."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field, JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from cli.api_client import ApiClient
from cli.terminal import Indented, local_time_of, plain, shorten

EXCERPT_CHARACTERS: Final = 300


class Found(BaseModel):
    """One memory, best first."""

    content: str
    similarity: float
    project_name: str | None = Field(None, alias="projectName")
    session_id: str | None = Field(None, alias="sessionId")
    metadata: dict[str, JsonValue] = {}


class Answer(BaseModel):
    """What the API found."""

    query: str
    results: list[Found]


def find_memories(
    client: ApiClient, query: str, *, project: str | None = None, limit: int = 5
) -> JsonValue:
    """Return the API's answer to a search."""
    return client.get("/api/search/memories", {"q": query, "project": project, "limit": limit})


def show_memories(answer: JsonValue) -> RenderableType:
    """Return the memories as a list that fits any terminal."""
    found = Answer.model_validate(answer)
    if not found.results:
        return plain(f"Nothing found for “{found.query}”.")
    return Group(*(_show(memory) for memory in found.results))


def _show(memory: Found) -> RenderableType:
    headline = Text.assemble(
        (f"{memory.similarity:.2f} ", "bold green"),
        plain(memory.project_name or "no project", "bold"),
        plain(f" · {_when(memory)}", "dim"),
    )
    excerpt = plain(shorten(memory.content, EXCERPT_CHARACTERS))
    return Group(headline, Indented(excerpt, 5), "")


def _when(memory: Found) -> str:
    """Return when it happened, who spoke and in which session."""
    time = local_time_of(memory.metadata.get("startTime") or memory.metadata.get("timestamp"))
    source = memory.metadata.get("source")
    parts = [time, str(source) if source else "", memory.session_id or ""]
    return " · ".join(part for part in parts if part)
