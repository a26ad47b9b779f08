"""One job: its messages, its errors, what they carry, and its progress as it is made."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.api.app import end_streams
from services.api.live.hub import LiveHub
from services.api.live.job_watch import JobWatch
from services.api.parts import ApiParts
from shared.postgres.jobs import Job, Progress, count_messages, find_job
from shared.runtime import Pool
from tests.integration.api.conftest import Client
from tests.integration.api.serving import open_stream, serving
from tests.integration.api.test_job_states import start_job
from tests.integration.api.test_live_api import until
from tests.integration.api.working import Worker

Conn = AsyncConnection[TupleRow]
SECRET = "ghp_" + "a1B2" * 10
REPLACE: LiteralString = "UPDATE pgmq.q_memory_ingestion SET message = %s, headers = headers || %s"


@pytest.fixture
def worker(conn: Conn) -> Worker:
    return Worker(conn)


async def detail(client: Client, job_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_errors_are_told_the_newest_first(client: Client, worker: Worker) -> None:
    job_id = await start_job(client, 3)
    first, second, third = await worker.take()
    await worker.give_up(first, error="OldError: a")
    await worker.give_up(second, error="NewError: b")
    await worker.fail(third, error="LateError: c")

    seen = await detail(client, job_id)

    assert [error["error"] for error in seen["errors"]][:2] == ["NewError: b", "OldError: a"]
    assert seen["errors"][0]["traceback"] == "NewError: b"
    assert [message["state"] for message in seen["messages"]] == ["dead", "dead", "retrying"]
    assert all(len(message["traceId"]) == 32 for message in seen["messages"])


async def test_a_message_in_hand_tells_its_last_heartbeat(client: Client, worker: Worker) -> None:
    job_id = await start_job(client, 1)
    await worker.take(lease=60)

    seen = await detail(client, job_id)

    (message,) = seen["messages"]
    assert message["lastHeartbeat"] == seen["lastHeartbeat"]
    beat, started = (
        datetime.fromisoformat(text) for text in (seen["lastHeartbeat"], message["startedAt"])
    )
    assert abs(beat - started) < timedelta(seconds=10)


async def test_what_a_worker_says_it_does_is_shown_until_it_has_ended(
    client: Client, worker: Worker
) -> None:
    job_id = await start_job(client, 2)
    assert (await detail(client, job_id))["step"] is None
    first, second = await worker.take()
    await worker.report(first, step="embed", done=30, total=120)
    await worker.report(second, step=f"read {SECRET}")

    seen = await detail(client, job_id)
    by_id = {message["id"]: message["step"] for message in seen["messages"]}
    assert SECRET not in json.dumps(seen)
    assert seen["step"] == by_id[second.msg_id]
    told = by_id[first.msg_id]
    assert (told["name"], told["done"], told["total"], told["percent"]) == ("embed", 30, 120, 25.0)

    await worker.succeed(second)
    await worker.fail(first)  # what it said of itself is no word of what waits now
    seen = await detail(client, job_id)
    assert [seen["step"], *(message["step"] for message in seen["messages"])] == [None] * 3


async def test_nested_secrets_are_shown_nowhere(client: Client, conn: Conn, worker: Worker) -> None:
    job_id = await start_job(client, 2)
    nested = {"deep": [{"note": f"key {SECRET}"}, {"password": "hunter2hunter2"}]}
    await conn.execute(REPLACE, (Jsonb(nested), Jsonb({"authorization": "Basic aHVudGVyMg=="})))
    failed, dead = await worker.take()
    await worker.fail(failed, error=f"ValueError: {SECRET}")
    await worker.give_up(dead, error=f"ValueError: {SECRET}")

    seen = await detail(client, job_id)
    answers = [json.dumps(seen), (await client.get("/api/jobs")).text]
    answers += [(await client.get(message["whole"])).text for message in seen["messages"]]

    for answer in answers:
        assert "redacted" in answer
        for secret in (SECRET, "hunter2", "aHVudGVyMg"):
            assert secret not in answer


async def test_a_message_of_5_mb_is_cut_and_can_be_had_whole(client: Client, conn: Conn) -> None:
    job_id = await start_job(client, 1)
    large = {"content": "word " * 1_000_000, "frames": [f"frame {n}" for n in range(10_000)]}
    await conn.execute(REPLACE, (Jsonb(large), Jsonb({})))

    seen = await detail(client, job_id)
    (message,) = seen["messages"]
    whole = await client.get(message["whole"])

    assert len(json.dumps(seen)) < 10_000
    assert message["isCut"]
    assert whole.headers["content-disposition"].startswith("attachment")
    assert whole.json()["message"] == large


async def test_an_error_of_ten_thousand_frames_is_cut_and_can_be_had_whole(
    client: Client, worker: Worker
) -> None:
    job_id = await start_job(client, 1)
    frames = "\n".join(f'  File "handlers.py", line {n}, in handle' for n in range(10_000))
    await worker.give_up(*await worker.take(), error=frames)

    seen = await detail(client, job_id)
    whole = (await client.get(seen["messages"][0]["whole"])).json()

    assert len(json.dumps(seen)) < 20_000
    assert "characters" in seen["errors"][0]["traceback"][-30:]
    assert whole["headers"]["dead_letter"]["traceback"] == frames


async def test_what_is_beyond_the_bytes_of_a_page_is_named_but_not_read(
    client: Client, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.job_messages.MOST_STORED_BYTES", 10)
    job_id = await start_job(client, 2)

    messages = (await detail(client, job_id))["messages"]

    assert [(message["excerpt"], message["isCut"]) for message in messages] == [(None, True)] * 2


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with serving(app) as address:
        yield address
        end_streams(app)


async def test_progress_is_streamed_until_the_job_ends(
    url: str, client: Client, worker: Worker
) -> None:
    job_id = await start_job(client, 2)
    async with open_stream(url, client.key, f"/api/jobs/{job_id}/events") as stream:
        assert json.loads(await stream.skip_to("progress"))["percent"] == 0.0
        one, other = await worker.take()
        await worker.report(one, step="embed", done=1, total=4)
        while not (told := json.loads(await stream.skip_to("progress")))["step"]:
            assert told["percent"] == 0.0
        assert (told["step"]["name"], told["step"]["percent"]) == ("embed", 25.0)
        await worker.succeed(one)
        while (told := json.loads(await stream.skip_to("progress")))["percent"] != 50.0:
            assert told["state"] == "running"
        await worker.give_up(other, error=f"ValueError: {SECRET}")
        ended = await stream.skip_to("ended")
        assert json.loads(ended)["state"] == "dead"
        assert SECRET not in ended
        assert await stream.is_ended()

    async with open_stream(url, client.key, f"/api/jobs/{job_id}/events") as again:
        assert json.loads(await again.skip_to("ended"))["state"] == "dead"


async def test_a_list_of_jobs_is_told_that_jobs_move(
    url: str, app: FastAPI, client: Client
) -> None:
    parts: ApiParts = app.state.parts
    await until(lambda: parts.live.is_connected)
    async with open_stream(url, client.key, "/api/live?topics=jobs") as stream:
        await stream.skip_to("jobs")
        await start_job(client, 1)
        await stream.skip_to("jobs")


class CountingCursor(AsyncCursor[TupleRow]):
    """Counts the statements of all cursors."""

    executed: int = 0

    async def execute(self, *statement: Any, **options: Any) -> CountingCursor:
        type(self).executed += 1
        await super().execute(*statement, **options)
        return self


async def watched(
    conn: Conn, workspace_id: str, job_ids: Sequence[str]
) -> list[tuple[Job, Progress]]:
    progress = await count_messages(conn, [UUID(job_id) for job_id in job_ids])
    jobs = [await find_job(conn, workspace_id, job_id) for job_id in progress]
    return [(job, progress[job.id]) for job in jobs if job is not None]


async def test_all_watched_jobs_cost_one_statement_a_look_and_none_when_nobody_looks(
    client: Client, conn: Conn, database: str
) -> None:
    jobs = await watched(
        conn, client.workspace_id, [await start_job(client, 1), await start_job_named(client, "b")]
    )
    CountingCursor.executed = 0
    kwargs = {"cursor_factory": CountingCursor}
    pool = Pool(database, min_size=1, kwargs=kwargs, open=False)
    async with pool:
        watch = JobWatch(LiveHub(), pool, timedelta(minutes=1))
        with watch.subscribe(*jobs[0]), watch.subscribe(*jobs[1]), watch.subscribe(*jobs[0]):
            await watch.look()
            assert CountingCursor.executed == 1
        await watch.look()
        assert CountingCursor.executed == 1


async def test_a_list_that_nothing_happens_to_is_looked_at_seldom(database: str) -> None:
    CountingCursor.executed = 0
    kwargs = {"cursor_factory": CountingCursor}
    pool = Pool(database, min_size=1, kwargs=kwargs, open=False)
    hub = LiveHub()
    async with pool:
        watch = JobWatch(hub, pool, timedelta(minutes=1))
        with hub.subscribe({"jobs"}):
            for _ in range(100):
                await watch.look()
    # All of the first ones, then each third: what happens later makes all count again.
    assert 30 <= CountingCursor.executed <= 55


async def start_job_named(client: Client, name: str) -> str:
    return (await client.send_chunks({"chunkId": name, "content": "x"})).json()["jobId"]
