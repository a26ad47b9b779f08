"""Patterns page by page, in full, by week; and what people say of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.patterns.detectors import choose_detectors
from shared.graph.looking import Task, run_detector
from shared.graph.marks import read_newest
from shared.graph.memories import MeasuredMemory
from shared.graph.news import Scope
from tests.conftest import DELETE_WORKSPACE
from tests.integration.api.conftest import Client
from tests.integration.patterns.pattern_builders import (
    ANNA,
    EMBEDDER,
    detect,
    memory,
    query,
    remove,
    save,
)

Conn = AsyncConnection[TupleRow]
LAST_WEEK = datetime.now(UTC) - timedelta(days=7)


@pytest.fixture(autouse=True)
async def clean_graph(client: Client, neo4j_driver: AsyncDriver) -> AsyncIterator[None]:
    """All tests share one graph: what this one wrote is deleted."""
    yield
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=client.workspace_id)


async def debug(
    driver: AsyncDriver, workspace: str, *, project: str = "shop"
) -> list[MeasuredMemory]:
    """Write a day of debugging, find its pattern, and return the memories."""
    day = LAST_WEEK.replace(hour=9)
    memories = [
        memory(workspace, f"{project}{n}", at=day + timedelta(minutes=n), project=project)
        for n in range(6)
    ]
    await save(driver, *memories)
    await detect(driver, workspace, ["debugging"])
    return memories


async def listed(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/patterns", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["patterns"]


async def review(client: Client, pattern_id: str, verdict: str | None, **more: Any) -> None:
    path = f"/api/patterns/{pattern_id}/review"
    answer = await client.post(path, {"verdict": verdict, **more})
    assert answer.status_code == 200, answer.text


async def test_a_pattern_says_why_with_numbers_and_dated_evidence(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id)
    (one,) = await listed(client, evidence=2)
    found = (await client.get(f"/api/patterns/{one['id']}")).json()

    assert (len(one["evidence"]), one["evidenceCount"]) == (2, 6)
    assert found["reason"]
    assert "reason" not in found["facts"]
    assert found["facts"]
    assert [one["chunkId"] for one in found["evidence"]] == [f"shop{n}" for n in range(6)]
    assert found["firstAt"] == found["evidence"][0]["occurredAt"]
    assert found["lastAt"] == found["evidence"][-1]["occurredAt"]


async def test_a_dismissed_pattern_is_hidden_also_when_detection_finds_it_again(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    workspace = client.workspace_id
    day = await debug(neo4j_driver, workspace)
    (one,) = await listed(client)
    await review(client, one["id"], "dismissed", note="a load test")
    assert await listed(client) == []

    # The evidence goes and comes back: the pattern is deleted, and found again by the same id.
    await remove(neo4j_driver, *day)
    await detect(neo4j_driver, workspace, ["debugging"])
    assert await listed(client, review="all") == []
    await debug(neo4j_driver, workspace)

    (again,) = await listed(client, review="all")
    assert (again["id"], again["review"]["note"]) == (one["id"], "a load test")
    assert await listed(client) == []
    await review(client, one["id"], None)
    assert [found["review"] for found in await listed(client)] == [None]


async def test_reviews_are_a_filter_and_are_audited(
    client: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    for project in ("shop", "till", "van"):
        await debug(neo4j_driver, client.workspace_id, project=project)
    by_project = {one["projectName"]: one["id"] for one in await listed(client)}
    await review(client, by_project["shop"], "confirmed")
    await review(client, by_project["till"], "dismissed")

    found = {
        name: {one["projectName"] for one in await listed(client, review=name)}
        for name in ("confirmed", "dismissed", "open", "all")
    }
    assert found == {
        "confirmed": {"shop"}, "dismissed": {"till"}, "open": {"van"},
        "all": {"shop", "till", "van"},
    }  # fmt: skip
    rows = await (await conn.execute("SELECT action, target FROM audit_log ORDER BY id")).fetchall()
    assert rows == [
        ("pattern.confirmed", by_project["shop"]), ("pattern.dismissed", by_project["till"])
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["confidence", "updated"])
async def test_pages_lose_and_repeat_nothing(
    client: Client, neo4j_driver: AsyncDriver, order: str
) -> None:
    # Equal in confidence, frequency and moment: only their ids tell them apart.
    await query(neo4j_driver, """
        WITH datetime() AS now UNWIND range(1, 7) AS n
        CREATE (:Pattern {id: randomUUID(), workspace_id: $w, type: 'learning', name: 'n',
            project_name: 'shop', period: '2026', period_type: 'week', confidence: 0.1 + 0.2,
            frequency: 3, metadata: '{}', first_detected: now, last_validated: now,
            last_updated: now})""", w=client.workspace_id)  # fmt: skip
    seen: list[str] = []
    after: dict[str, str] = {}
    answer: dict[str, Any] = {}
    for _ in range(4):
        answer = (await client.get("/api/patterns", order=order, limit=2, **after)).json()
        seen += [one["id"] for one in answer["patterns"]]
        after = {"after": answer["next"] or ""}
    assert answer["next"] is None
    assert len(seen) == len(set(seen)) == 7


async def test_patterns_are_filtered_by_when_they_were_and_by_words(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id, project="Checkout")
    before, after = LAST_WEEK - timedelta(days=2), LAST_WEEK + timedelta(days=2)

    assert len(await listed(client, since=before.isoformat(), until=after.isoformat())) == 1
    assert await listed(client, since=after.isoformat()) == []
    assert await listed(client, since="7010-04-29T00:21:44-21:36") == []  # Neo4j ends at 18 hours
    answer = await client.get("/api/patterns", until="0001-01-01T00:00:00+05:00")
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "until")
    assert await listed(client, until=before.isoformat()) == []
    assert len(await listed(client, text="CHECKOUT")) == 1
    assert await listed(client, text="checkin") == []
    assert len(await listed(client, type=["debugging", "learning"])) == 1


async def test_a_rate_is_a_share_of_the_weeks_memories_with_what_is_likely(
    client: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id)
    await conn.execute(
        """INSERT INTO memories (workspace_id, user_id, chunk_id, project_name, content,
                                 content_hash, occurred_at)
           SELECT %s, %s, n::text, 'shop', 'x', '', %s FROM generate_series(1, 24) AS n""",
        (client.workspace_id, ANNA, LAST_WEEK),
    )
    (rates,) = (await client.get("/api/patterns/rates", weeks=3)).json()["rates"]

    week = rates["weeks"][-2]
    assert rates["type"] == "debugging"
    assert (week["matched"], week["memories"], week["share"]) == (6, 24, 0.25)
    assert week["low"] == pytest.approx(0.12, abs=0.01)
    assert week["high"] == pytest.approx(0.449, abs=0.01)
    assert rates["weeks"][0]["share"] is None

    (one,) = await listed(client)
    await review(client, one["id"], "dismissed")
    assert (await client.get("/api/patterns/rates", weeks=3)).json()["rates"] == []


async def test_a_change_of_rules_or_model_is_a_step_in_the_rates(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id)
    assert await steps(client) == []  # the first way of looking is no change
    detector, *_ = choose_detectors(["debugging"])
    now = Task(client.workspace_id, EMBEDDER.calibration, datetime.now(UTC), EMBEDDER.name)
    other = replace(now, embedder="another-model")
    newer = replace(detector, version=detector.version + 1)
    newest = await read_newest(neo4j_driver, client.workspace_id)
    for one, task in ((detector, now), (detector, other), (newer, other), (newer, other)):
        await run_detector(neo4j_driver, one, task, Scope(), newest=newest, limit=100)

    own, rules = f"embedder {EMBEDDER.name}", detector.version
    assert await steps(client) == [
        (f"rules {rules}, {own}", f"rules {rules}, embedder another-model"),
        (f"rules {rules}, embedder another-model", f"rules {rules + 1}, embedder another-model"),
    ]


async def steps(client: Client) -> list[tuple[str, str]]:
    (rates,) = (await client.get("/api/patterns/rates", weeks=3)).json()["rates"]
    assert {step["week"] for step in rates["steps"]} <= {rates["weeks"][-1]["week"]}
    return [(step["before"], step["method"]) for step in rates["steps"]]


async def test_what_stands_on_the_same_evidence_is_related(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id)
    (one,) = await listed(client)
    twin = str(uuid4())
    await query(neo4j_driver, """
        MATCH (p:Pattern {workspace_id: $w})-[:DERIVED_FROM]->(m)
        WITH p, collect(m)[..2] AS some
        CREATE (q:Pattern {workspace_id: $w, id: $twin, type: 'learning', name: 'twin',
            project_name: 'shop', period: '2026', confidence: 0.4})
        FOREACH (m IN some | CREATE (q)-[:DERIVED_FROM]->(m))""",
        w=client.workspace_id, twin=twin)  # fmt: skip
    found = (await client.get(f"/api/patterns/{one['id']}")).json()
    assert [(one["id"], one["shared"]) for one in found["related"]] == [(twin, 2)]


async def test_a_strangers_pattern_is_neither_read_nor_reviewed(
    client: Client, other_client: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    await debug(neo4j_driver, client.workspace_id)
    (one,) = await listed(client)
    path = f"/api/patterns/{UUID(one['id'])}"

    assert (await other_client.get(path)).status_code == 404
    assert (await other_client.post(f"{path}/review", {"verdict": "dismissed"})).status_code == 404
    assert await (await conn.execute("SELECT FROM pattern_reviews")).fetchall() == []


@pytest.mark.parametrize(
    "after", ["x", "W10", "WzEsMl0", "WzEuMCwxLDE4NDQ2NzQ0MDczNzA5NTUxNjE2LCJ4Il0"]
)
async def test_a_cursor_that_no_page_gave_is_refused(client: Client, after: str) -> None:
    answer = await client.get("/api/patterns", after=after)
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "after")
