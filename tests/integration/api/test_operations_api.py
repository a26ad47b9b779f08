"""Redrives and discards: previewed, run in the background, cancelled; totals reconcile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.audit import list_entries
from shared.postgres.operations import advance_operation
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with, count_letters, file_letters

Conn = AsyncConnection[TupleRow]
REDRIVE = "/api/dead-letters/redrive"
DISCARD = "/api/dead-letters/discard"
QUEUE = "memory_ingestion"


async def preview(client: Client, **wanted: Any) -> dict[str, Any]:
    answer = await client.post(f"{REDRIVE}/preview", {"queue": QUEUE, "filter": wanted})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def start(client: Client, path: str = REDRIVE, **body: Any) -> httpx.Response:
    return await client.post(path, {"queue": QUEUE, "reason": "it was fixed", **body})


async def until(
    client: Client, operation: dict[str, Any], met: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return the operation once it is as it should be."""
    async with asyncio.timeout(60):
        while not met(operation):
            await asyncio.sleep(0.02)
            operation = (await client.get(f"/api/operations/{operation['id']}")).json()
    return operation


def is_over(operation: dict[str, Any]) -> bool:
    return operation["finishedAt"] is not None


async def finish(client: Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    return await until(client, answer.json(), is_over)


async def test_one_letter_is_redriven_and_starts_afresh(client: Client, conn: Conn) -> None:
    one, other = await file_letters(conn, client.workspace_id, 2, headers={"attempts": 5})

    done = await finish(client, await start(client, ids=[one]))

    assert (done["state"], done["total"], done["done"], done["left"]) == ("done", 1, 1, 0)
    assert await count_letters(conn) == (1, 1)
    [[headers]] = await (
        await conn.execute("SELECT headers FROM pgmq.q_memory_ingestion")
    ).fetchall()
    assert headers == {"group": client.workspace_id}
    assert (await client.get(f"/api/dead-letters/{QUEUE}/{other}")).status_code == 200


async def test_discarded_letters_are_in_the_archive(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, 3)
    seen = await preview(client)

    done = await finish(client, await start(client, DISCARD, filter={}, snapshot=seen["snapshot"]))

    assert (done["kind"], done["done"]) == ("discard", 3)
    assert await count_letters(conn) == (0, 0)
    kept = await conn.execute("SELECT count(*) FROM pgmq.a_memory_ingestion_dlq")
    assert await kept.fetchone() == (3,)


async def test_all_that_match_are_just_those_that_were_previewed(
    client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 7, message="the model is away")
    await file_letters(conn, client.workspace_id, 2, message="something else")
    async with await AsyncConnection.connect(conn.info.dsn, password=conn.info.password) as slow:
        # Filed before the preview, committed after it: its id is among the previewed ones.
        await file_letters(slow, client.workspace_id, 1, message="the model is away, too")
        await file_letters(conn, client.workspace_id, 1, message="the model is away")
        seen = await preview(client, contains="MODEL")
        await slow.commit()
    await file_letters(conn, client.workspace_id, 4, message="the model is away")
    assert (seen["count"], len(seen["samples"]), seen["isCapped"]) == (8, 5, False)

    started = await start(
        client, filter={"contains": "MODEL"}, snapshot=seen["snapshot"], expectedCount=8
    )

    assert (await finish(client, started))["done"] == 8
    assert await count_letters(conn) == (8, 7)
    assert (await preview(client, contains="MODEL"))["count"] == 5


async def test_each_filter_is_previewed_as_it_is_listed(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, 5)
    await file_letters(conn, client.workspace_id, 3, error="KeyError", ago="2 days")
    [group] = (await client.get("/api/dead-letters/groups", limit=1)).json()["groups"]
    filters: list[dict[str, str]] = [
        {}, {"error": "KeyError"}, {"contains": "ODD"}, {"fingerprint": group["fingerprint"]},
        {"since": group["firstSeen"]}, {"until": group["firstSeen"]},
    ]  # fmt: skip

    for wanted in filters:
        listed = {"group" if name == "fingerprint" else name: wanted[name] for name in wanted}
        letters = (await client.get("/api/dead-letters", queue=QUEUE, **listed)).json()["letters"]
        assert (await preview(client, **wanted))["count"] == len(letters), wanted


async def test_another_workspaces_letters_stay(
    client: Client, other_client: Client, conn: Conn
) -> None:
    mine = await file_letters(conn, client.workspace_id, 2)
    theirs = await file_letters(conn, other_client.workspace_id, 2)
    seen = await preview(client)

    refused = await start(client, ids=theirs)
    done = await finish(client, await start(client, filter={}, snapshot=seen["snapshot"]))
    named = await start(client, ids=[*mine, *theirs])

    assert (refused.status_code, named.status_code) == (404, 404)
    assert done["done"] == 2
    assert await count_letters(conn) == (2, 2)
    path = f"/api/operations/{done['id']}"
    assert (await other_client.get(path)).status_code == 404
    assert (await other_client.post(f"{path}/cancel", {})).status_code == 404
    assert (await other_client.get("/api/operations")).json()["operations"] == []


async def test_a_redrive_submitted_twice_at_once_runs_once(client: Client, conn: Conn) -> None:
    await file_letters(conn, client.workspace_id, 10)
    seen = await preview(client)
    body: dict[str, Any] = {
        "queue": QUEUE,
        "filter": {},
        "snapshot": seen["snapshot"],
        "reason": "fixed",
    }
    client.http.headers["Idempotency-Key"] = "one-click"

    first, second = await asyncio.gather(client.post(REDRIVE, body), client.post(REDRIVE, body))

    assert first.json()["id"] == second.json()["id"]
    assert (await finish(client, first))["done"] == 10
    assert len((await client.get("/api/operations")).json()["operations"]) == 1
    assert len(await list_entries(conn, client.workspace_id, limit=10)) == 1


async def test_another_count_than_expected_is_refused(client: Client, conn: Conn) -> None:
    ids = await file_letters(conn, client.workspace_id, 3)
    seen = await preview(client)
    await conn.execute("SELECT faststream_pgmq.redrive('memory_ingestion', %s)", (ids[:1],))

    answer = await start(client, filter={}, snapshot=seen["snapshot"], expectedCount=3)

    assert answer.status_code == 409
    assert "2 dead letters match, not 3; preview again" in answer.json()["error"]
    assert (await client.get("/api/operations")).json()["operations"] == []


async def test_letters_that_are_gone_meanwhile_are_skipped(client: Client, conn: Conn) -> None:
    ids = await file_letters(conn, client.workspace_id, 30)
    started = await start(client, ids=ids, rate=10)
    await conn.execute(
        "SELECT faststream_pgmq.discard('memory_ingestion', ARRAY(SELECT msg_id FROM"
        " pgmq.q_memory_ingestion_dlq))"
    )

    done = await finish(client, started)

    assert done["state"] == "done"
    assert done["done"] + done["skipped"] == 30
    assert (await count_letters(conn))[0] == done["done"] <= 20


async def test_a_rate_is_kept_to(client: Client, conn: Conn) -> None:
    ids = await file_letters(conn, client.workspace_id, 3)

    done = await finish(client, await start(client, ids=ids, rate=2))

    seconds = "SELECT extract(epoch FROM finished_at - started_at) FROM operations WHERE id = %s"
    [took] = await (await conn.execute(seconds, (done["id"],))).fetchone() or [0]
    assert done["done"] == 3
    assert took >= 0.9


async def test_a_hundred_thousand_letters_cancelled_midway_reconcile(
    client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 100_000, traceback="", apart="1 ms")
    seen = await preview(client)
    assert (seen["count"], seen["isCapped"]) == (100_000, False)
    [group] = (await client.get("/api/dead-letters/groups")).json()["groups"]
    assert group["count"] == 100_000

    started = await start(client, filter={}, snapshot=seen["snapshot"])
    await until(client, started.json(), lambda operation: operation["done"] >= 5_000)
    cancelled = await client.post(f"/api/operations/{started.json()['id']}/cancel", {})

    final = cancelled.json()
    waiting, dead = await count_letters(conn)
    assert final["state"] == "cancelled"
    assert 5_000 <= final["done"] < 100_000
    assert (final["done"], final["left"], final["skipped"]) == (waiting, dead, 0)
    assert waiting + dead == final["total"] == 100_000
    again = (await client.post(f"/api/operations/{final['id']}/cancel", {})).json()
    assert again == final
    assert (await preview(client))["count"] == dead


async def test_a_killed_process_leaves_nothing_half_done_and_another_goes_on(
    client: Client, conn: Conn, app: FastAPI
) -> None:
    ids = await file_letters(conn, client.workspace_id, 50)
    await conn.execute("ALTER TABLE operations ALTER next_at SET DEFAULT now() + interval '1 hour'")
    started = (await start(client, ids=ids)).json()
    async with await AsyncConnection.connect(conn.info.dsn, password=conn.info.password) as dying:
        await conn.execute("UPDATE operations SET next_at = now()")
        assert (await advance_operation(dying, 20)).moved == 20
        # Who works beside it leaves this operation alone.
        assert (await advance_operation(conn)).operation_id is None
        await dying.rollback()
    assert await count_letters(conn) == (0, 50)

    app.state.parts.operations.wake()

    done = await until(client, started, is_over)
    assert (done["done"], done["skipped"]) == (50, 0)
    assert await count_letters(conn) == (50, 0)


async def test_a_letter_that_the_queue_refuses_stays_and_the_others_go(
    client: Client, conn: Conn
) -> None:
    key = "".join(uuid4().hex for _ in range(400))  # too long for the index on it
    [refused] = await file_letters(conn, client.workspace_id, headers={"dedup_key": key})
    others = await file_letters(conn, client.workspace_id, 5)

    done = await finish(client, await start(client, ids=[refused, *others]))

    assert (done["state"], done["done"], done["skipped"]) == ("done", 5, 1)
    assert "index" in done["error"]
    assert await count_letters(conn) == (5, 1)


async def test_an_operation_that_cannot_go_on_fails_and_others_do(
    client: Client, conn: Conn
) -> None:
    ids = await file_letters(conn, client.workspace_id, 2)
    [other] = await file_letters(conn, client.workspace_id, queue="pattern_detection")
    await conn.execute("ALTER TABLE pgmq.q_memory_ingestion RENAME TO elsewhere")

    failed = await finish(client, await start(client, ids=ids))
    done = await finish(client, await start(client, queue="pattern_detection", ids=[other]))

    assert (failed["state"], failed["done"], failed["left"]) == ("failed", 0, 2)
    assert "does not exist" in failed["error"]
    assert (done["state"], done["done"]) == ("done", 1)


async def test_each_change_is_noted_with_who_what_how_many_and_why(
    client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 3)
    seen = await preview(client, error="ValueError")
    started = await start(
        client, filter={"error": "ValueError"}, snapshot=seen["snapshot"], rate=0.1
    )
    await client.post(f"/api/operations/{started.json()['id']}/cancel", {})

    cancel, redrive = await list_entries(conn, client.workspace_id, limit=10)

    assert (redrive.action, redrive.target, redrive.count) == ("dead_letters.redrive", QUEUE, 3)
    assert redrive.filter["error"] == "ValueError"
    assert (redrive.reason, redrive.key_name) == ("it was fixed", "test")
    assert (cancel.action, cancel.target) == ("operation.cancel", started.json()["id"])
    assert cancel.user_id == redrive.user_id == client.user_id


async def test_a_viewer_may_look_and_change_nothing(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    [letter] = await file_letters(conn, client.workspace_id)
    body = {"queue": QUEUE, "ids": [letter], "reason": "x"}
    async with client_with(app, conn, client.workspace_id, "read") as viewer:
        answers = [
            await viewer.post(path, body)
            for path in (
                REDRIVE, DISCARD, f"{REDRIVE}/preview", f"{DISCARD}/preview",
                f"/api/operations/{uuid4()}/cancel", f"/api/dead-letters/{QUEUE}/{letter}/raw",
            )
        ]  # fmt: skip
        assert (await viewer.get(f"/api/dead-letters/{QUEUE}/{letter}")).status_code == 200
        assert (await viewer.get("/api/operations")).status_code == 200

    assert [answer.status_code for answer in answers] == [403] * 6
    assert await count_letters(conn) == (0, 1)


WRONG: list[dict[str, Any]] = [
    {}, {"ids": []}, {"ids": [0]}, {"ids": ["x"]}, {"ids": [1], "filter": {}}, {"filter": {}},
    {"filter": {}, "snapshot": "x"}, {"filter": {}, "snapshot": "9:1:"}, {"ids": [1], "rate": 0},
    {"filter": {"fingerprint": "x"}, "snapshot": "1:1:"}, {"ids": [1], "queue": "other"},
    {"ids": [1], "reason": ""}, {"ids": [1], "reason": "\x00"}, {"ids": [1], "rate": 1e-9},
    {"filter": {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
     "snapshot": "1:1:"},
]  # fmt: skip


async def test_a_wrong_request_is_refused(client: Client, conn: Conn) -> None:
    for body in WRONG:
        answer = await client.post(REDRIVE, {"queue": QUEUE, "reason": "x", **body})
        assert answer.status_code == 400, (body, answer.text)
    assert (await start(client, ids=[1])).status_code == 404


async def test_pages_of_operations_neither_lose_nor_repeat_one(client: Client, conn: Conn) -> None:
    await conn.execute(
        "INSERT INTO operations (workspace_id, kind, queue, total, state, reason, requested_by,"
        " key_id) SELECT %s, 'redrive', 'memory_ingestion', 1, 'done', n::text, 'x',"
        " gen_random_uuid() FROM generate_series(1, 9) AS n",
        (client.workspace_id,),
    )
    first = (await client.get("/api/operations", limit=5)).json()
    rest = (await client.get("/api/operations", limit=5, before=first["next"])).json()

    reasons = {one["reason"] for one in (*first["operations"], *rest["operations"])}
    assert reasons == {str(n) for n in range(1, 10)}
    assert (len(rest["operations"]), rest["next"]) == (4, None)
