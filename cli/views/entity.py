"""One memory or source file whole, as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType

from cli.api_client import ApiClient
from cli.terminal import Indented, local_time, plain, shorten

PATHS: Final = {"memory": "memories", "code": "code"}


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Related(Answered):
    """What it is tied to."""

    tie: str
    kind: str
    id: str
    title: str


class Pattern(Answered):
    """What it is evidence of."""

    id: str
    type: str
    name: str


class Message(Answered):
    """What wrote it."""

    state: str
    enqueued_at: datetime
    job_id: str | None
    trace_id: str | None
    error: str | None


class Entity(Answered):
    """One memory or file."""

    title: str
    content: str
    project_name: str | None
    session_id: str | None
    occurred_at: datetime | None
    related: list[Related]
    patterns: list[Pattern]
    messages: list[Message]


def find_entity(client: ApiClient, kind: str, entity_id: UUID) -> JsonValue:
    """Return the API's answer."""
    return client.get(f"/api/{PATHS[kind]}/{entity_id}")


def show_entity(answer: JsonValue) -> RenderableType:
    """Return it whole."""
    found = Entity.model_validate(answer)
    where = " · ".join(part for part in (found.project_name, found.session_id) if part)
    facts = plain(f"{local_time(found.occurred_at)}{f' · {where}' if where else ''}", "dim")
    return Group(
        plain(shorten(found.title, 100), "bold"),
        facts,
        Indented(plain(found.content), 2),
        *_around(found),
    )


def _around(found: Entity) -> Iterator[RenderableType]:
    for tie in found.related:
        yield plain(f"{tie.tie.replace('_', ' ')}: {tie.kind} {tie.id} {shorten(tie.title, 60)}")
    for pattern in found.patterns:
        yield plain(f"evidence of: {pattern.type} {pattern.name} ({pattern.id})")
    for one in found.messages:
        said = f": {one.error}" if one.error else ""
        yield plain(
            f"message {one.state}, sent {local_time(one.enqueued_at)}, "
            f"job {one.job_id or '–'}, trace {one.trace_id or '–'}{said}",
            "red" if one.error else "dim",
        )
