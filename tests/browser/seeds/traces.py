"""A request with a hundred messages, one that failed, and a stranger's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from tests.browser.world import World

BEGAN = datetime.now(UTC) - timedelta(minutes=3)
IMPORT, FAILED, HUGE, THEIRS = (f"{number:032x}" for number in (0xA1, 0xA2, 0xA3, 0xA4))
JOB = str(uuid4())
HUGE_SPANS = 10_000


def span(
    trace: str,
    number: int,
    parent: int | None,
    name: str,
    start_ms: float,
    took_ms: float,
    **more: Any,
) -> dict[str, Any]:
    """Return one row of the span store."""
    return {
        "trace_id": trace,
        "span_id": f"{number:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "service": f"supastate-{more.get('service', 'ingest')}",
        "name": name,
        "kind": more.get("kind", "internal"),
        "status": more.get("status", "unset"),
        "started_at": (BEGAN + timedelta(milliseconds=start_ms)).isoformat(),
        "duration_ms": took_ms,
        "attributes": more.get("attributes", {}),
        "links": [],
        "workspace_id": more["workspace"],
    }


async def seed(world: World) -> None:
    """Store the traces as an exporter does."""
    for rows in (
        make_import(world.workspace_id),
        make_failure(world.workspace_id),
        make_huge(world.workspace_id),
        make_import(world.other_workspace_id, THEIRS, messages=1),
    ):
        await world.conn.execute("SELECT save_spans(%s)", (Jsonb(rows),))


def make_import(workspace: str, trace: str = IMPORT, messages: int = 100) -> list[dict[str, Any]]:
    """Return a POST whose messages each wait, and then are worked on."""
    api = {"workspace": workspace, "service": "api"}
    rows = [
        span(
            trace,
            1,
            None,
            "POST /api/ingest/memory",
            0,
            84,
            kind="server",
            **api,
            attributes={"supastate.job_id": JOB, "http.response.status_code": 202},
        ),
        span(trace, 2, 1, "INSERT", 6, 31, **api, attributes={"db.system.name": "postgresql"}),
    ]
    for message in range(messages):
        rows += _message(trace, workspace, 100 + message * 10, message)
    return rows


def _message(trace: str, workspace: str, first: int, message: int) -> list[dict[str, Any]]:
    begins = 90 + message % 10 * 40
    about = {
        "messaging.message.id": str(message + 1),
        "messaging.destination.name": "memory_ingestion",
    }
    own = {"workspace": workspace}
    waited = {**about, "messaging.operation.name": "queue"}
    return [
        span(
            trace,
            first,
            1,
            "send memory_ingestion",
            40,
            2,
            workspace=workspace,
            service="api",
            kind="producer",
            attributes=about,
        ),
        span(
            trace,
            first + 1,
            first,
            "queue memory_ingestion",
            60,
            begins - 60,
            **own,
            attributes=waited,
        ),
        span(
            trace,
            first + 2,
            first,
            "process memory_ingestion",
            begins,
            240,
            kind="consumer",
            **own,
            attributes=about,
        ),
        span(
            trace,
            first + 3,
            first + 2,
            "embed",
            begins + 5,
            90,
            **own,
            attributes={"embed.model": "wordllama"},
        ),
        span(
            trace,
            first + 4,
            first + 2,
            "neo4j save_memories",
            begins + 100,
            130,
            **own,
            kind="client",
            attributes={"db.system.name": "neo4j"},
        ),
    ]


def make_failure(workspace: str) -> list[dict[str, Any]]:
    """Return a detection that fails in the graph."""
    own = {"workspace": workspace}
    failed = {"status": "error", "attributes": {"error.type": "ServiceUnavailable"}}
    return [
        span(
            FAILED,
            1,
            None,
            "POST /api/patterns/detect",
            20_000,
            30,
            kind="server",
            service="api",
            **own,
        ),
        span(
            FAILED,
            2,
            1,
            "process pattern_detection",
            20_060,
            1900,
            kind="consumer",
            service="patterns",
            **own,
            **failed,
        ),
        span(
            FAILED,
            3,
            2,
            "neo4j read_memories",
            20_090,
            1800,
            kind="client",
            service="patterns",
            **own,
            **failed,
        ),
        span(FAILED, 4, 2, "detect debugging", 20_070, 15, service="patterns", **own),
    ]


def make_huge(workspace: str) -> list[dict[str, Any]]:
    """Return as many spans as are drawn at most, most of them like each other."""
    rows = [
        span(
            HUGE,
            1,
            None,
            "POST /api/ingest/memory",
            40_000,
            50,
            kind="server",
            service="api",
            workspace=workspace,
        )
    ]
    for number in range(2, HUGE_SPANS + 1):
        parent = 1 if number % 10 == 2 else number - (number - 2) % 10
        rows.append(
            span(
                HUGE,
                number,
                parent,
                f"step {number % 10}",
                40_000 + number,
                20,
                workspace=workspace,
            )
        )
    return rows
