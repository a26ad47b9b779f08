"""Dead letters over HTTP: grouped by what they failed of, listed, and shown without secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.audit import list_entries
from shared.postgres.letter_queries import (
    ALL,
    LetterPlace,
    LetterQuery,
    groups_statement,
    letters_statement,
)
from shared.postgres.workspaces import show_workspaces
from tests.integration.api.conftest import Client
from tests.integration.api.letters import TRACEBACK, client_with, file_letters
from tests.integration.api.one_api import ON_ONE_LOOP, app, client, conn, database, other_client

__all__ = ["app", "client", "conn", "database", "other_client"]  # fixtures
pytestmark = ON_ONE_LOOP

Conn = AsyncConnection[TupleRow]
SECRET = "sk-ant-api03-" + "abcDEF0123456789" * 3


async def groups(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/dead-letters/groups", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["groups"]


async def ids(client: Client, **params: Any) -> list[int]:
    answer = await client.get("/api/dead-letters", **params)
    assert answer.status_code == 200, answer.text
    return [letter["id"] for letter in answer.json()["letters"]]


async def show(client: Client, letter_id: int) -> dict[str, Any]:
    answer = await client.get(f"/api/dead-letters/memory_ingestion/{letter_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def day_after(moment: str) -> str:
    return (datetime.fromisoformat(moment) + timedelta(days=1)).isoformat()


async def test_letters_that_differ_in_numbers_and_names_are_one_group(
    client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 2, message=f"no memory {uuid4()} in 'a/b'")
    await file_letters(conn, client.workspace_id, 1, message=f"no memory {uuid4()} in 'c'")
    await file_letters(conn, client.workspace_id, 4, error="KeyError", ago="1 hour")

    newest, other = await groups(client)

    assert (newest["count"], newest["title"]) == (3, "no memory <uuid> in <text>")
    assert newest["frame"] == "services/ingest/handlers.py, in ingest"
    assert (other["count"], other["error"], sum(other["bars"])) == (4, "KeyError", 4)
    assert newest["firstSeen"] <= newest["lastSeen"]
    assert other["bars"][22] + other["bars"][23] == 4
    assert other["barsSeconds"] == 86_400


async def test_a_group_knows_the_release_of_its_newest_letter(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, release="1.3", ago="1 hour")
    await file_letters(conn, client.workspace_id, release="1.4")

    [group] = await groups(client)

    assert group["release"] == "1.4"


async def test_bars_reach_as_far_back_as_the_newest_letter(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, ago="3 days")

    [group] = await groups(client)

    assert (group["barsSeconds"], sum(group["bars"])) == (7 * 86_400, 1)


async def test_another_workspaces_letters_are_not_there(
    client: Client, other_client: Client, conn: Conn
) -> None:
    [letter] = await file_letters(conn, client.workspace_id)
    path = f"/api/dead-letters/memory_ingestion/{letter}"

    assert await groups(other_client) == []
    assert await ids(other_client) == []
    for way in ("", "/payload", "/traceback"):
        assert (await other_client.get(path + way)).status_code == 404
        assert (await client.get(path + way)).status_code == 200


async def test_a_letter_of_an_old_sender_belongs_to_the_workspace_in_its_body(
    client: Client, conn: Conn
) -> None:
    bare = client.workspace_id.removeprefix("team:")
    [letter] = await file_letters(conn, "", payload={"workspace_id": bare})

    assert await ids(client) == [letter]
    assert (await show(client, letter))["id"] == letter


async def test_each_filter_finds_what_it_names(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, 2)
    [wanted] = await file_letters(
        conn, client.workspace_id, queue="pattern_detection", error="KeyError",
        message="the odd one", ago="2 days",
    )  # fmt: skip
    [group] = [one for one in await groups(client) if one["error"] == "KeyError"]
    filters: list[dict[str, str]] = [
        {"error": "KeyError"},
        {"contains": "ODD one"},
        {"queue": "pattern_detection"},
        {"group": group["fingerprint"]},
        {"since": group["lastSeen"], "until": day_after(group["lastSeen"])},
        {"until": group["lastSeen"]},
    ]

    found = [await ids(client, **params) for params in filters]

    assert found == [[wanted]] * 5 + [[]]


async def test_pages_of_letters_of_one_moment_neither_lose_nor_repeat_one(
    client: Client, conn: Conn
) -> None:
    for queue in ("memory_ingestion", "pattern_detection", "summary_generation"):
        await file_letters(conn, client.workspace_id, 9, queue=queue, ago="1 hour", apart="0")
    await conn.execute("UPDATE dead_letters SET died_at = '2026-01-01Z'")
    seen: list[tuple[str, int]] = []
    before: dict[str, str] = {}
    while True:
        page = (await client.get("/api/dead-letters", limit=4, **before)).json()
        seen += [(letter["queue"], letter["id"]) for letter in page["letters"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}

    assert len(seen) == len(set(seen)) == 27


async def test_pages_of_groups_neither_lose_nor_repeat_one(client: Client, conn: Conn) -> None:
    for error in range(7):
        await file_letters(conn, client.workspace_id, error=f"Error{error}")
    await conn.execute("UPDATE dead_letters SET died_at = now() - interval '1 hour'")
    first = (await client.get("/api/dead-letters/groups", limit=4)).json()
    rest = (await client.get("/api/dead-letters/groups", limit=4, before=first["next"])).json()

    errors = [group["error"] for group in (*first["groups"], *rest["groups"])]
    assert sorted(errors) == [f"Error{error}" for error in range(7)]
    assert rest["next"] is None


WRONG: list[dict[str, Any]] = [
    {"queue": "other"}, {"group": "x"}, {"before": "x"}, {"before": "2026-01-01T00:00:00Z_x:1"},
    {"before": "2026-01-01T00:00:00Z_memory_ingestion:99999999999999999999"}, {"limit": 0},
    {"since": "2026-01-01"}, {"contains": ""}, {"error": "\x00"}, {"limit": 101},
]  # fmt: skip


async def test_a_wrong_question_is_refused(client: Client) -> None:
    for params in WRONG:
        answer = await client.get("/api/dead-letters", **params)
        assert answer.status_code == 400, params
    for letter in ("0", "-1", "x", str(2**63)):
        answer = await client.get(f"/api/dead-letters/memory_ingestion/{letter}")
        assert answer.status_code == 400, letter


async def test_a_letter_tells_its_error_newest_call_first_and_where_it_comes_from(
    client: Client, conn: Conn
) -> None:
    trace, job = "a" * 32, str(uuid4())
    [letter] = await file_letters(
        conn, client.workspace_id, traceback=TRACEBACK + "ValueError: odd number 17\n",
        headers={"traceparent": f"00-{trace}-{'b' * 16}-01"}, job_id=job, deliveries=6,
        enqueued_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip

    shown = await show(client, letter)

    [error] = shown["errors"]
    assert [frame["name"] for frame in error["frames"]] == ["consume", "ingest"]
    assert [frame["isOwn"] for frame in error["frames"]] == [False, True]
    assert error["error"] == "ValueError: odd number 17"
    assert (shown["traceId"], shown["jobId"]) == (trace, job)
    assert (shown["attempts"], shown["deliveries"]) == (5, 6)
    assert shown["enqueuedAt"] == "2026-01-01T00:00:00+00:00"
    assert shown["payload"] == {"text": "x"}


async def test_no_nested_secret_is_shown_or_downloaded(client: Client, conn: Conn) -> None:
    [letter] = await file_letters(
        conn, client.workspace_id,
        message=f"refused: {SECRET}", traceback=f"{TRACEBACK}ValueError: {SECRET}",
        payload={"a": [{"password": "hunter2"}, f"key {SECRET}"], "b": json.dumps({"k": SECRET})},
        headers={"authorization": "Basic hunter2"},
    )  # fmt: skip
    path = f"/api/dead-letters/memory_ingestion/{letter}"

    answers = [
        await client.get(way)
        for way in (path, f"{path}/payload", f"{path}/traceback", "/api/dead-letters",
                    "/api/dead-letters/groups")
    ]  # fmt: skip

    for answer in answers:
        assert answer.status_code == 200
        assert SECRET not in answer.text, answer.url
        assert "hunter2" not in answer.text, answer.url


async def test_only_an_administrator_sees_a_letter_raw_and_is_noted(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    [letter] = await file_letters(conn, client.workspace_id, payload={"password": "hunter2"})
    path = f"/api/dead-letters/memory_ingestion/{letter}/raw"
    assert (await client.post(path, {})).status_code == 403

    async with client_with(app, conn, client.workspace_id, "admin") as admin:
        raw = await admin.post(path, {})

    assert raw.json()["payload"] == {"password": "hunter2"}
    [entry] = await list_entries(conn, client.workspace_id, limit=10)
    assert (entry.action, entry.target) == ("dead_letter.view_raw", f"memory_ingestion/{letter}")


async def test_a_large_payload_and_an_endless_traceback_are_cut_and_downloadable(
    client: Client, conn: Conn
) -> None:
    frames = "".join(
        f'  File "/app/shared/graph/deep.py", line {n}, in dive\n    dive()\n'
        for n in range(1, 10_001)
    )
    [letter] = await file_letters(
        conn, client.workspace_id, payload={"content": "word " * 1_000_000},
        traceback=f"Traceback (most recent call last):\n{frames}RecursionError: too deep",
    )  # fmt: skip
    path = f"/api/dead-letters/memory_ingestion/{letter}"

    answer = await client.get(path)
    shown = answer.json()

    assert len(answer.content) < 100_000
    assert shown["payload"] is None
    assert shown["payloadBytes"] > 5_000_000
    assert shown["payloadExcerpt"].startswith('{\n  "content": "word word')
    assert (len(shown["errors"][0]["frames"]), shown["framesOmitted"]) == (100, 9_900)
    assert shown["errors"][0]["frames"][0]["line"] == 10_000
    payload = await client.get(f"{path}/payload")
    assert json.loads(payload.content)["content"] == "word " * 1_000_000
    traceback = await client.get(f"{path}/traceback")
    assert traceback.text.count("in dive") == 10_000
    assert "attachment" in traceback.headers["content-disposition"]


async def test_any_json_may_be_a_letter(client: Client, conn: Conn) -> None:
    payloads: list[Any] = [[1], "text", None, 10**30, {"": {"": []}}]
    for payload in payloads:
        await conn.execute(
            "INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers) VALUES (now(), %s, %s)",
            (json.dumps(payload), json.dumps({"group": client.workspace_id, "dead_letter": [1]})),
        )
    shown = [await show(client, letter) for letter in sorted(await ids(client))]

    assert [letter["payload"] for letter in shown] == payloads
    assert {letter["error"] for letter in shown} == {""}


GONE: list[LiteralString] = [
    "SELECT faststream_pgmq.redrive('memory_ingestion')",
    "SELECT faststream_pgmq.discard('memory_ingestion', ARRAY(SELECT msg_id"
    " FROM pgmq.q_memory_ingestion_dlq))",
    "SELECT pgmq.purge_queue('memory_ingestion_dlq')",
]


async def test_what_is_gone_from_the_queue_is_gone_from_the_list(
    client: Client, conn: Conn
) -> None:
    for way in GONE:
        [letter] = await file_letters(conn, client.workspace_id)
        assert await ids(client) == [letter]
        await conn.execute(way)

        assert await ids(client) == [], way
        missing = await client.get(f"/api/dead-letters/memory_ingestion/{letter}")
        assert missing.status_code == 404


async def test_groups_and_lists_are_read_from_the_index_and_not_from_the_letters(
    conn: Conn,
) -> None:
    for workspace in range(10):
        await file_letters(conn, f"team:{workspace}", 1_000, traceback="", apart="1 second")
    await conn.execute("VACUUM ANALYZE dead_letters")
    of_group = LetterQuery(fingerprint="8c57b24626b2ac97")
    place = LetterPlace(datetime.now(UTC), "pattern_detection", 17)

    whole = await explain(conn, groups_statement("team:7", ALL, limit=20))
    listed = await explain(conn, letters_statement("team:7", ALL, limit=20, before=place))
    grouped = await explain(conn, letters_statement("team:7", of_group, limit=20))

    assert "Index Only Scan Backward using dead_letters_of_workspace" in whole
    assert "Index Scan Backward using dead_letters_of_workspace" in listed
    assert "(ROW(died_at, msg_id) < ROW(" in listed
    assert "dead_letters_of_group" in grouped
    for plan in (whole, listed, grouped):
        assert "Seq Scan" not in plan
        assert "_dlq" not in plan


async def explain(conn: Conn, statement: tuple[LiteralString, dict[str, Any]]) -> str:
    """Return the plan of a statement as the API runs it."""
    query, values = statement
    async with conn.transaction():
        await conn.execute("SET LOCAL ROLE supastate_api")
        await show_workspaces(conn, ["team:7"])
        rows = await (await conn.execute("EXPLAIN " + query, values)).fetchall()
    return "\n".join(row[0] for row in rows)
