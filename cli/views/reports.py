"""Who did what, and how much was sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table

from cli.api_client import ApiClient, Params
from cli.terminal import local_time, plain

BYTES = 1024


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Entry(Answered):
    """Something that was done."""

    at: datetime
    key_name: str
    user_id: UUID
    action: str
    target: str
    filter: dict[str, JsonValue]
    count: int | None
    reason: str


class Entries(Answered):
    """Newest first."""

    entries: list[Entry]
    next: str | None


class Sent(Answered):
    """What was sent on a day, with a key or for a project."""

    name: str | None
    requests: int
    memories: int
    files: int
    content_bytes: int
    searches: int | None = None


class Usage(Answered):
    """How much was sent in a time."""

    by: str
    rows: list[Sent]


def find_entries(client: ApiClient, wanted: Params) -> JsonValue:
    """Return the API's answer."""
    return client.get("/api/audit", wanted)


def find_usage(client: ApiClient, wanted: Params) -> JsonValue:
    """Return the API's answer."""
    return client.get("/api/usage", wanted)


def show_entries(answer: JsonValue) -> RenderableType:
    """Return a line for each entry."""
    found = Entries.model_validate(answer)
    if not found.entries:
        return plain("Nobody did anything that is noted here.")
    table = Table(box=None, pad_edge=False)
    for heading in ("when", "who", "did", "to", "count", "why"):
        table.add_column(heading, justify="right" if heading == "count" else "left")
    for entry in found.entries:
        chosen = ", ".join(f"{name}={value}" for name, value in entry.filter.items())
        table.add_row(
            local_time(entry.at),
            plain(entry.key_name),
            plain(entry.action, "bold"),
            plain(f"{entry.target} {chosen}".strip()),
            "" if entry.count is None else str(entry.count),
            plain(entry.reason),
        )
    older = [plain(f"There are older ones: --before {found.next}", "dim")] if found.next else []
    return Group(table, *older)


def show_usage(answer: JsonValue) -> RenderableType:
    """Return a line for each day, key or project."""
    found = Usage.model_validate(answer)
    if not found.rows:
        return plain("Nothing was sent or searched in this time.")
    table = Table(box=None, pad_edge=False)
    table.add_column(found.by)
    for heading in ("memories", "files", "content", "requests", "searches"):
        table.add_column(heading, justify="right")
    for row in found.rows:
        searches = "–" if row.searches is None else row.searches
        numbers = (row.memories, row.files, size(row.content_bytes), row.requests, searches)
        table.add_row(plain(row.name or "–"), *map(str, numbers))
    return table


def size(content_bytes: float) -> str:
    """Return a number of bytes in the largest unit that leaves at least one."""
    for unit in ("B", "KiB", "MiB"):
        if content_bytes < BYTES:
            return f"{content_bytes:.0f} {unit}" if unit == "B" else f"{content_bytes:.1f} {unit}"
        content_bytes /= BYTES
    return f"{content_bytes:.1f} GiB"
