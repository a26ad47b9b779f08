"""Search, details and neighbourhoods over HTTP, of the caller's workspace only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.parts import ApiParts
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import measure
from shared.domain.entities import CodeEntity, Memory
from shared.messages import Metadata
from shared.postgres.entity_messages import FIND_MESSAGES
from tests.conftest import DELETE_WORKSPACE
from tests.integration.api.conftest import Client
from tests.integration.graph.builders import code, memory

Conn = AsyncConnection[TupleRow]
SOONER, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Library:
    """What one workspace holds."""

    def __init__(self, app: FastAPI, driver: AsyncDriver, workspace_id: str) -> None:
        self._parts: ApiParts = app.state.parts
        self._driver = driver
        self._workspace_id = workspace_id

    async def add(self, *entities: Memory | CodeEntity) -> None:
        mine = [replace(entity, workspace_id=self._workspace_id) for entity in entities]
        await write_batch(self._driver, await measure(mine, self._parts.shared.embedder))


@pytest.fixture
async def library(
    app: FastAPI, client: Client, neo4j_driver: AsyncDriver
) -> AsyncIterator[Library]:
    yield Library(app, neo4j_driver, client.workspace_id)
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=client.workspace_id)


def said(content: str, **where: Any) -> Memory:
    return memory("", content, **where).entity


def file(path: str, content: str = "x = 1", **where: Any) -> CodeEntity:
    return code("", path, content, **where).entity


async def search(client: Client, **params: Any) -> dict[str, Any]:
    answer = await client.get("/api/search", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_result_says_where_it_is_from_and_why_it_is_one(
    client: Client, library: Library
) -> None:
    metadata: Metadata = {"filePaths": ["a/p.py"], "source": "codex"}
    crash = said("The parser <b>crashes</b> on empty input 🚀", metadata=metadata)
    await library.add(crash, said("deploy the website", minutes=1), file("a/p.py"))

    found = await search(client, q="why does parsing CRASH")
    first, tied = found["results"][0], found["results"][1:]

    assert (first["kind"], first["id"]) == ("memory", str(crash.id))
    where = (first["projectName"], first["sessionId"], first["source"])
    assert where == ("shop", "s1", "codex")
    snippet = first["snippet"]
    assert [snippet["text"][a:b] for a, b in snippet["highlights"]] == ["parser", "crashes"][1:]
    assert first["why"]["words"]["words"] == ["CRASH"]
    assert first["why"]["meaning"]["rank"] == 1
    assert first["permalink"] == f"/dashboard/search/memory/{crash.id}"
    ties = {one["kind"]: one["why"]["graph"]["ties"] for one in tied if one["why"]["graph"]}
    assert [(tie["tie"], tie["id"]) for tie in ties["code"]] == [("mentioned_in", str(crash.id))]
    assert ties["code"][0]["title"].startswith("The parser")


async def test_pages_neither_lose_nor_repeat_a_result(client: Client, library: Library) -> None:
    await library.add(*(said(f"fix login number{n}", minutes=n) for n in range(12)))
    whole = [one["id"] for one in (await search(client, q="fix login", limit=50))["results"]]
    paged: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await search(client, q="fix login", limit=5, **after)
        paged += [one["id"] for one in page["results"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert (paged, page["ranked"]) == (whole, 12)
    assert len(set(paged)) == 12


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "q", "Field required"),
    ({"q": ""}, "q", "at least 1"),
    ({"q": "  \n"}, "q", "is empty"),
    ({"q": "x" * 1001}, "q", "at most 1000"),
    ({"q": "a\x00"}, "q", "NUL"),
    ({"q": "x", "project": "a\x00"}, "project", "NUL"),
    ({"q": "x", "session": "a\x00"}, "session", "NUL"),
    ({"q": "x", "type": "pattern"}, "type", "'memory' or 'code'"),
    ({"q": "x", "user": "me"}, "user", "UUID"),
    ({"q": "x", "since": "2026-01-01T00:00:00"}, "since", "timezone"),
    ({"q": "x", "since": LATER, "until": SOONER}, "until", "later than"),
    ({"q": "x", "type": "memory", "language": "go"}, "language", "only code has one"),
    ({"q": "x", "type": "code", "session": "s1"}, "session", "only memories have one"),
    ({"q": "x", "limit": 0}, "limit", "greater than"),
    ({"q": "x", "after": "page two"}, "after", "is not the `next`"),
    ({"q": "x", "after": "nan_pattern_1"}, "after", "is not the `next`"),
]


async def test_a_wrong_search_is_refused_with_its_field(client: Client) -> None:
    for params, field, reason in WRONG:
        answer = await client.get("/api/search", **params)
        assert answer.status_code == 400, answer.text
        [detail] = answer.json()["details"]
        assert detail["field"] == field
        assert reason in detail["reason"]


async def test_odd_queries_have_sensible_results(client: Client, library: Library) -> None:
    await library.add(said("ship 🚀 日本語 today"))
    for q in ("🚀", "日本語", '"ship 🚀"', "?!", '"', "\ufffd ship", "ship " * 200):
        found = await search(client, q=q)
        assert found["count"] == 1, q
    odd = await client.http.get("/api/search?q=ship%ED%A0%80")  # half a surrogate pair
    assert (odd.status_code, odd.json()["count"]) == (200, 1)


async def test_searches_and_details_of_others_are_not_seen(
    client: Client, other_client: Client, library: Library
) -> None:
    crash, source = said("parser crashes"), file("src/parser.py")
    await library.add(crash, source)

    assert (await search(other_client, q="parser crashes"))["results"] == []
    for path in (
        f"/api/memories/{crash.id}",
        f"/api/code/{source.id}",
        f"/api/graph/memory/{crash.id}",
        f"/api/graph/code/{source.id}",
        "/api/graph/project/shop",
        "/api/graph/session/s1",
    ):
        theirs = await other_client.get(path)
        assert theirs.status_code == 404, path
        assert (await client.get(path)).status_code == 200, path


async def note_archived(conn: Conn, client: Client, key: str, workspace_id: str) -> None:
    await conn.execute(
        """INSERT INTO pgmq.a_memory_ingestion (msg_id, vt, message, headers)
           VALUES (1, now(), jsonb_build_object('memory_id', %(id)s::text,
                      'workspace_id', %(workspace_id)s::text, 'content', 'x'),
                   jsonb_build_object('job_id', %(job)s::text,
                                      'traceparent', %(parent)s::text))""",
        {
            "id": key,
            "workspace_id": workspace_id,
            "job": str(uuid4()),
            "parent": f"00-{TRACE}-00f067aa0ba902b7-01",
        },
    )


async def test_a_memory_is_told_whole_with_what_was_done_with_it(
    client: Client, library: Library, conn: Conn
) -> None:
    before, crash = (
        said("first", minutes=-1),
        said("see a/p.py", metadata={"filePaths": ["a/p.py"]}),
    )
    source = file("a/p.py", "def parse(): ...")
    await library.add(before, crash, source)
    await note_archived(conn, client, str(crash.id), client.workspace_id)

    told = (await client.get(f"/api/memories/{crash.id}")).json()
    assert (told["content"], told["metadata"]) == ("see a/p.py", {"filePaths": ["a/p.py"]})
    ties = {(one["tie"], one["id"]) for one in told["related"]}
    assert ties == {("before", str(before.id)), ("mentions", str(source.id))}
    [message] = told["messages"]
    assert (message["state"], message["traceId"]) == ("done", TRACE)
    assert message["jobId"]
    back = (await client.get(f"/api/code/{source.id}")).json()
    assert [(one["tie"], one["id"]) for one in back["related"]] == [("mentioned_in", str(crash.id))]


async def test_messages_of_an_entity_are_of_its_workspace_and_found_by_an_index(
    client: Client, library: Library, conn: Conn
) -> None:
    crash = said("parser crashes")
    await library.add(crash)
    await note_archived(conn, client, str(crash.id), f"team:{uuid4()}")
    assert (await client.get(f"/api/memories/{crash.id}")).json()["messages"] == []

    await conn.execute("SET enable_seqscan = off")
    explain: LiteralString = "EXPLAIN " + FIND_MESSAGES
    values = {"id": str(crash.id), "workspace_ids": [client.workspace_id], "limit": 10}
    plan = str(await (await conn.execute(explain, values)).fetchall())
    assert "Seq Scan" not in plan
    for queue in ("q_memory_ingestion", "a_memory_ingestion", "q_memory_ingestion_dlq"):
        assert f"{queue}_entity" in plan


async def test_a_neighbourhood_is_filtered_by_tie_and_time(
    client: Client, library: Library
) -> None:
    told = [said(f"login {n}", minutes=n) for n in range(4)]
    await library.add(*told, file("a.py"))

    path = "/api/graph/project/shop"
    whole = (await client.get(path)).json()
    only = (await client.get(path, edge="has_memory", limit=3)).json()
    early = (await client.get(path, edge="has_memory", until="2026-05-04T12:02:00Z")).json()

    assert (whole["centre"]["kind"], whole["centre"]["id"]) == ("project", "shop")
    assert {one["edge"] for one in whole["neighbours"]} == {"has_memory", "has_code"}
    assert [one["node"]["id"] for one in only["neighbours"]] == [str(m.id) for m in told[:0:-1]]
    [count] = only["counts"]
    assert (count["total"], count["more"], count["isAtLeast"]) == (4, 1, False)
    assert {one["node"]["id"] for one in early["neighbours"]} == {str(m.id) for m in told[:2]}


NOT_THERE: list[tuple[str, dict[str, Any], int]] = [
    ("/api/graph/memory/none", {}, 404),
    ("/api/graph/thing/none", {}, 400),
    ("/api/graph/memory/none", {"edge": "has_code"}, 400),
    ("/api/graph/memory/none", {"edge": "likes"}, 400),
    ("/api/graph/memory/none", {"limit": 51}, 400),
    ("/api/graph/memory/none", {"since": LATER, "until": SOONER}, 400),
    ("/api/graph/project/a%00b", {}, 400),
    ("/api/memories/none", {}, 400),
    (f"/api/code/{uuid4()}", {}, 404),
]


async def test_what_is_not_there_or_makes_no_sense_is_refused(client: Client) -> None:
    for path, params, status in NOT_THERE:
        answer = await client.get(path, **params)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["error"]
