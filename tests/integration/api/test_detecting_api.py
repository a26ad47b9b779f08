"""Where and what a detection request looks at: its options reach the queue, odd ones are named."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.messages import DetectPatterns
from tests.integration.api.conftest import Client
from tests.integration.faststream_pgmq.support import fetch_all

Conn = AsyncConnection[TupleRow]
SENT: LiteralString = "SELECT message FROM pgmq.q_pattern_detection"
DETECT = "/api/patterns/detect"


@pytest.mark.parametrize("name", ["projectName", "project_name"])
async def test_the_scope_of_a_request_reaches_the_queue(
    client: Client, conn: Conn, name: str
) -> None:
    body = {name: "shop", "since": "2026-01-05T00:00:00+02:00", "until": "2026-02-01T00:00:00Z"}
    assert (await client.post(DETECT, {**body, "limit": 7})).status_code == 202
    [message] = await fetch_all(conn, SENT)
    job = DetectPatterns.model_validate(message)
    assert (job.project_name, job.limit) == ("shop", 7)
    assert str(job.since) == "2026-01-04 22:00:00+00:00"
    assert str(job.until) == "2026-02-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"since": "2026-01-05T00:00:00"}, "since", "timezone"),
        ({"until": "2026-01-05"}, "until", "timezone"),
        ({"since": "soon"}, "since", "valid datetime"),
        ({"since": "2026-02-01T00:00Z", "until": "2026-01-01T00:00Z"}, "until", "later than since"),
        ({"since": "2026-02-01T00:00Z", "until": "2026-02-01T01:00+01:00"}, "until", "later than"),
        ({"projectName": ""}, "projectName", "at least 1"),
        ({"projectName": "a\0b"}, "projectName", "NUL"),
        ({"limit": 0}, "limit", "greater than"),
        ({"patternTypes": ["magic"]}, "pattern_types", "known: debugging, learning"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said_by_its_field(
    client: Client, conn: Conn, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = await client.post(DETECT, body)
    assert answer.status_code == 400
    [detail] = answer.json()["details"]
    assert detail["field"] == field
    assert reason in detail["reason"]
    assert await fetch_all(conn, SENT) == []


async def test_sql_may_name_a_project_and_a_time(conn: Conn) -> None:
    call: LiteralString = """
        SELECT queue_pattern_detection_job(%s, '{debugging}', 5, %s, 'shop', '2026-01-05Z', %s)
    """
    await conn.execute(call, (uuid4(), f"team:{uuid4()}", "2026-01-06Z"))
    [message] = await fetch_all(conn, SENT)
    job = DetectPatterns.model_validate(message)
    assert (job.project_name, job.limit, str(job.since)) == ("shop", 5, "2026-01-05 00:00:00+00:00")
    with pytest.raises(psycopg.errors.RaiseException, match="p_until: must be later"):
        await conn.execute(call, (uuid4(), f"team:{uuid4()}", "2026-01-04Z"))
