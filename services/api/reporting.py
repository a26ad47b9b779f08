"""Who did what, and how much was sent; for keys with `operate`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from services.api.answers import Answer
from services.api.auth import WITH_KEY, KeyedRoute, Operator
from services.api.describing_problems import problems
from services.api.examples import KEY_ID, USER_ID, shown
from services.api.examples import operating as operating_examples
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parts import WithParts
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError
from shared.messages import Moment
from shared.postgres.audit import AuditFilter, list_entries
from shared.postgres.usage import By, read_usage

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["operating"])
USUAL_PERIOD: Final = timedelta(days=30)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_ID: Final = 2**63 - 1


class EntryFound(Answer):
    """Something that was done: ids and counts, never content."""

    id: int
    at: datetime
    key_id: UUID | None = Field(description="null for the command line on the server")
    key_name: str
    user_id: UUID
    action: str
    target: str
    filter: dict[str, JsonValue]
    count: int | None
    reason: str


class EntriesFound(Answer):
    """What was done, newest first."""

    model_config = shown(operating_examples.ENTRIES)

    entries: list[EntryFound]
    next: str | None = Field(description="the `before` of the following page")


class UsageFound(Answer):
    """What was sent and searched on a day (in UTC), with a key or for a project."""

    name: str | None = Field(description="the day, the key's id or the project")
    requests: int
    memories: int = Field(description="new or changed")
    files: int = Field(description="new or changed")
    content_bytes: int
    jobs: int
    searches: int | None = Field(
        description="over HTTP and on pages, on whole days in UTC; null by project"
    )


class UsageReport(Answer):
    """How much was sent in a time."""

    model_config = shown(operating_examples.USAGE)

    since: datetime
    until: datetime
    by: By
    rows: list[UsageFound]


@router.get("/api/audit", responses=problems())
async def get_audit(
    caller: Operator,
    parts: WithParts,
    limit: Limit = 50,
    before: Cursor = None,
    action: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="how it begins, like `key`",
            examples=["dead_letters."],
        ),
    ] = None,
    key: Annotated[
        UUID | None, Query(description="only what this key did", examples=[KEY_ID])
    ] = None,
    user: Annotated[
        UUID | None, Query(description="only what this user did", examples=[USER_ID])
    ] = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> EntriesFound:
    """Return who did what in the workspace, newest first."""
    wanted = AuditFilter(action and check_text(action, "action"), key, user, since, until)
    place = read_cursor(before, read_id)
    async with parts.transaction(caller) as conn:
        found = await list_entries(
            conn, caller.workspace_id, limit=limit + 1, before=place, wanted=wanted
        )
    page = found[:limit]
    following = write_cursor(page[-1].at, page[-1].id) if len(found) > limit else None
    entries = [EntryFound.model_validate(asdict(entry)) for entry in page]
    return EntriesFound(entries=entries, next=following)


@router.get("/api/usage", responses=problems())
async def get_usage(
    caller: Operator,
    parts: WithParts,
    by: By = "day",
    since: Annotated[Moment | None, Query(description="30 days ago, if not given")] = None,
    until: Annotated[Moment | None, Query(description="now, if not given")] = None,
) -> UsageReport:
    """Return how much was sent and how often it was searched, by day, key or project.

    Searches are counted in memory and written every ten seconds: the newest may be missing.
    """
    end = until or datetime.now(UTC)
    start = since or max(end, EARLIEST + USUAL_PERIOD) - USUAL_PERIOD
    if start >= end:
        raise InvalidInputError("until", f"must be later than since ({start.isoformat()})")
    async with parts.transaction(caller) as conn:
        found = await read_usage(conn, caller.workspace_id, by=by, since=start, until=end)
    rows = [UsageFound.model_validate(asdict(row)) for row in found]
    return UsageReport(since=start, until=end, by=by, rows=rows)


def read_id(text: str) -> int:
    """Return an entry's id out of a cursor.

    Raises:
        ValueError: no entry can have it.
    """
    if not 0 <= (number := int(text)) <= LONGEST_ID:
        raise ValueError
    return number
