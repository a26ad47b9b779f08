"""Project summaries."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType

from cli.api_client import ApiClient
from cli.paging import get_pages
from cli.terminal import Indented, local_time, plain


class Summary(BaseModel):
    """What one project is about and where it stands."""

    model_config = ConfigDict(alias_generator=to_camel)

    project_name: str
    summary: str
    model: str
    memories_included: int
    last_memory_timestamp: datetime


class Answer(BaseModel):
    """The newest first."""

    summaries: list[Summary]


def find_summaries(client: ApiClient, project: str | None = None) -> JsonValue:
    """Return the API's answer, of all its pages together."""
    found = get_pages(client, "/api/summaries", "summaries", {"project": project})
    return {"summaries": found, "count": len(found)}


def read_summaries(answer: JsonValue) -> list[Summary]:
    """Return the summaries of an answer."""
    return Answer.model_validate(answer).summaries


def show_summaries(answer: JsonValue) -> RenderableType:
    """Return one paragraph for each project."""
    if summaries := read_summaries(answer):
        return Group(*(show_summary(summary) for summary in summaries))
    return plain("No summaries yet: they are written soon after a project's first memories.")


def show_summary(summary: Summary) -> RenderableType:
    """Return one project's summary and what it was made from."""
    source = (
        f"from {summary.memories_included} memories up to "
        f"{local_time(summary.last_memory_timestamp)}, by {summary.model}"
    )
    headline = plain(summary.project_name, "bold")
    return Group(headline, plain(f"  {source}", "dim"), Indented(plain(summary.summary), 2), "")
