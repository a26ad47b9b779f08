"""Gives out what a workspace holds, a JSON object a line, however much it is.

For keys with `admin`: it hands over what everybody of the workspace ever said, at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal, TypeAlias, cast
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import JsonValue
from pydantic_core import to_json

from services.api.auth import WITH_KEY, Admin, KeyedRoute
from services.api.bodies import ProjectFilter
from services.api.describing_problems import problems
from services.api.parameters import OfUser
from services.api.parts import ApiParts, WithParts
from shared.domain.accepting import check_text
from shared.domain.redaction import redact_json
from shared.graph.patterns import After, Pattern, Wanted, page_patterns
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.exporting import Chosen, read_batch

Kind: TypeAlias = Literal["memories", "code", "patterns", "summaries", "jobs"]
PATTERNS_AT_ONCE: Final = 50
LINES: Final = "application/x-ndjson"
LINE: Final = '{"chunk_id": "5a1f0c9e:0", "content": "Why does the parser fail on …"}\n'
TEXTS: Final = (str, dict, list)
router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["data"])


@router.get(
    "/api/export",
    response_class=StreamingResponse,
    responses=problems()
    | {200: {"content": {LINES: {"schema": {"type": "string"}, "example": LINE}}}},
)
async def export(
    caller: Admin,
    parts: WithParts,
    kind: Annotated[Kind, Query(description="one kind at a time")],
    project: ProjectFilter = None,
    user: OfUser = None,
) -> StreamingResponse:
    """Return every row of one kind as a JSON object a line; secrets are redacted."""
    chosen = Chosen(caller.workspace_id, project and check_text(project, "project"), user)
    async with parts.transaction(caller) as conn:
        await record_action(conn, caller, Action("data.export", kind))
    rows = (
        read_patterns(parts, chosen)
        if kind == "patterns"
        else read_rows(parts, caller, kind, chosen)
    )
    return StreamingResponse(as_lines(rows), media_type=LINES)


async def as_lines(rows: AsyncGenerator[dict[str, Any]]) -> AsyncGenerator[bytes]:
    """Yield a line for each row. A row that SQL wrote may still hold a secret."""
    async for row in rows:
        yield to_json(redact_row(row)) + b"\n"


def redact_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the secrets that stand in its texts."""
    return {
        name: redact_json(cast(JsonValue, value)) if isinstance(value, TEXTS) else value
        for name, value in row.items()
    }


async def read_rows(
    parts: ApiParts,
    caller: ApiKey,
    kind: Literal["memories", "code", "summaries", "jobs"],
    chosen: Chosen,
) -> AsyncGenerator[dict[str, Any]]:
    """Yield rows of Postgres; a connection is held for one batch at a time."""
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        async with parts.transaction(caller) as conn:
            batch = await read_batch(conn, kind, chosen, after)
        for row in batch.rows:
            yield row
        after = batch.next


async def read_patterns(parts: ApiParts, chosen: Chosen) -> AsyncGenerator[dict[str, Any]]:
    """Yield patterns with their evidence, the surest first; dismissed ones too."""
    wanted, after = Wanted(project_name=chosen.project), None
    while True:
        found = await page_patterns(
            parts.shared.driver, chosen.workspace_id, wanted, limit=PATTERNS_AT_ONCE, after=after
        )
        for pattern in found:
            if is_of_user(pattern, chosen.user_id):
                yield asdict(pattern)
        if len(found) < PATTERNS_AT_ONCE:
            return
        after = After(found[-1].id, found[-1].confidence, found[-1].frequency)


def is_of_user(pattern: Pattern, user_id: UUID | None) -> bool:
    """Whether a pattern is of this user, alone or among others."""
    users = pattern.metadata.get("users") or [pattern.user_id]
    return user_id is None or str(user_id) in users
