"""A time may have any offset: the servers are asked in UTC, and what no calendar has is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.integration.api.conftest import Client

FAR_OFFSETS = ("0091-12-19T22:50:40+20:44", "7010-04-29T00:21:44-21:36")
BEFORE_ALL_YEARS = "0001-01-01T00:00:00+20:00"
ROUTES = (
    "/api/patterns",
    "/api/search?q=login",
    f"/api/graph/memory/{uuid4()}",
    "/api/jobs",
    "/api/dead-letters",
    "/api/audit",
    "/api/usage",
)


@pytest.mark.usefixtures("graph_server")
async def test_any_offset_is_understood(client: Client) -> None:
    for route in ROUTES:
        for moment in FAR_OFFSETS:
            path, _, query = route.partition("?")
            given = dict(pair.split("=") for pair in query.split("&") if pair)
            answer = await client.get(path, **given, since=moment)
            assert answer.status_code in (200, 400, 404), (route, moment, answer.text)


async def test_a_time_before_all_years_is_refused_by_its_name(client: Client) -> None:
    for route in ("/api/patterns", "/api/jobs", "/api/audit"):
        answer = await client.get(route, since=BEFORE_ALL_YEARS)
        assert answer.status_code == 400, route
        [detail] = answer.json()["details"]
        assert detail["field"].endswith("since")
        assert "years" in detail["reason"]


async def test_a_detection_asked_for_with_a_far_offset_is_sent_in_utc(client: Client) -> None:
    asked = await client.post("/api/patterns/detect", {"since": "2026-01-01T00:00:00+20:44"})

    assert asked.status_code == 202
    [message] = (await client.get(f"/api/jobs/{asked.json()['jobId']}")).json()["messages"]
    assert "2025-12-31T03:16:00Z" in str(message)
