"""A secret that came with a message, an error or a span is shown, exported and logged nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.logs import hide_secrets_in_logs
from shared.postgres.api_keys import SCOPES
from shared.postgres.spans import as_row
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with, file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import sample_twice
from tests.integration.api.seeded import save_trace
from tests.integration.api.serving import serving
from tests.integration.api.working import Worker

Conn = AsyncConnection[TupleRow]
SECRET = "ghp_" + "a1B2" * 9
ERROR = f"refused {{'outer': [{{'inner': 'token is {SECRET}'}}]}}"
ABOUT_A_SECRET = "token is [redacted:"
PLACES = [
    "/api/dead-letters",
    "/api/dead-letters/groups",
    "/api/dead-letters/memory_ingestion/{letter}",
    "/api/dead-letters/memory_ingestion/{letter}/payload",
    "/api/dead-letters/memory_ingestion/{letter}/traceback",
    "/dashboard/dead-letters",
    "/dashboard/dead-letters/letters",
    "/dashboard/dead-letters/letters.csv",
    "/dashboard/dead-letters/letters.json",
    "/dashboard/dead-letters/letters/memory_ingestion/{letter}",
    "/api/jobs",
    "/api/jobs/{job}",
    "/api/export?kind=jobs",
    "/dashboard/jobs",
    "/dashboard/jobs/{job}",
    "/dashboard/jobs/export.csv",
    "/dashboard/jobs/export.json",
    "/api/traces",
    "/api/traces/{trace}",
    "/dashboard/traces/{trace}?span={span}",
]
SILENT = {
    "/api/dead-letters/groups",
    "/api/export?kind=jobs",
    "/api/traces",
    "/api/traces/{trace}",
    "/dashboard/dead-letters",
}
"""Where nothing is told of the text that the secret stood in; elsewhere, what was around it."""


@pytest.fixture
def hidden_logs() -> Iterator[None]:
    usual = logging.getLogRecordFactory()
    hide_secrets_in_logs()
    yield
    logging.setLogRecordFactory(usual)


async def spoil(client: Client, conn: Conn) -> dict[str, object]:
    """Let a secret stand wherever one may come from; return the ids of these things."""
    job = (await client.send_chunks({"chunkId": "a", "content": "text"})).json()["jobId"]
    worker = Worker(conn)
    await worker.fail(*await worker.take(), error=ERROR)
    (letter,) = await file_letters(
        conn,
        client.workspace_id,
        job_id=job,
        message=ERROR,
        traceback=f"Traceback (most recent call last):\n  x\nValueError: {ERROR}",
        payload={"outer": [{"inner": f"token is {SECRET}", "password": SECRET[::-1]}]},
    )
    attributes = {"messaging.message.id": "1", "note": ERROR}
    trace = await save_trace(conn, client.workspace_id, **attributes)
    return {"job": job, "letter": letter, "trace": trace, "span": trace[:16]}


async def test_what_is_shown_and_exported_holds_no_secret(app: FastAPI, conn: Conn) -> None:
    async with client_with(app, conn, f"team:{uuid4()}", *SCOPES) as admin:
        ids, told = await spoil(admin, conn), set[str]()
        async with logged_in(app, admin.key) as person:
            for place in PLACES:
                http = person if place.startswith("/dashboard") else admin.http
                answer = await http.get(place.format_map(ids))
                assert answer.status_code == 200, place
                assert SECRET not in answer.text, place
                assert SECRET[::-1] not in answer.text, place
                if ABOUT_A_SECRET in answer.text:
                    told.add(place)
    assert set(PLACES) - told == SILENT


async def test_why_somebody_did_something_is_kept_without_a_secret(
    app: FastAPI, conn: Conn
) -> None:
    queue, why = "memory_ingestion", {"reason": f"token is {SECRET}"}
    async with client_with(app, conn, f"team:{uuid4()}", *SCOPES) as admin:
        job = (await admin.send_chunks({"chunkId": "a", "content": "text"})).json()["jobId"]
        (letter,) = await file_letters(conn, admin.workspace_id)
        about = {"queue": queue, "ids": [letter], "rate": 0.001}
        asked = [
            await admin.post(f"/api/jobs/{job}/cancel", why),
            await admin.post("/api/dead-letters/redrive", about | why),
            await admin.post(f"/api/queues/{queue}/pause", why),
        ]
        await sample_twice(conn)
        places = ("/api/audit", "/api/operations", f"/api/queues/{queue}", f"/api/jobs/{job}")
        told = [await admin.get(path) for path in places]
        await admin.post(f"/api/queues/{queue}/resume", {})
    assert [one.status_code for one in asked + told] == [200, 202, 200] + [200] * 4
    assert [SECRET in one.text for one in asked + told] == [False] * 7
    assert [one.text.count(ABOUT_A_SECRET) for one in told] == [3, 1, 1, 1]


@pytest.mark.usefixtures("hidden_logs")
async def test_an_unexpected_error_is_logged_without_its_secret(
    app: FastAPI,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def break_down() -> None:
        raise RuntimeError(ERROR)

    app.add_api_route("/broken", break_down)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.get("/broken")

    assert answer.status_code == 500
    logged = caplog.text + capfd.readouterr().err
    assert "break_down" in logged
    assert logged.count(ABOUT_A_SECRET) == 2  # by the API, and by its server
    assert SECRET not in logged + answer.text


@pytest.mark.usefixtures("hidden_logs")
def test_a_warning_is_logged_without_the_secret_that_it_quotes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger("test").warning("Postgres: %s", ERROR)

    assert ABOUT_A_SECRET in caplog.text
    assert SECRET not in caplog.text


def test_a_span_is_stored_without_a_secret() -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    with provider.get_tracer("test").start_as_current_span("x", attributes={"note": ERROR}):
        pass

    (span,) = spans.get_finished_spans()

    assert ABOUT_A_SECRET in str(as_row(span))
    assert SECRET not in str(as_row(span))
