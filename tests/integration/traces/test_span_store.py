"""The span store: whose spans are whose, what a trace adds up to, and how much is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from faststream_pgmq.opentelemetry import MESSAGE_GROUP
from shared.postgres.spans import PostgresSpanExporter
from shared.postgres.traces import LIST_TRACES, TraceFilter, find_trace, list_spans, list_traces
from shared.postgres.workspaces import show_workspaces
from shared.telemetry import InheritWorkspace, note_workspace

Conn = AsyncConnection[TupleRow]
OURS, THEIRS = f"team:{uuid4()}", f"team:{uuid4()}"
BEGAN = datetime.now(UTC) - timedelta(hours=1)


def row(trace: int, span: int, workspace: str | None = OURS, **more: Any) -> dict[str, Any]:
    return {
        "trace_id": f"{trace:032x}",
        "span_id": f"{span:016x}",
        "parent_span_id": more.get("parent"),
        "service": more.get("service", "supastate-api"),
        "name": more.get("name", "step"),
        "kind": "internal",
        "status": more.get("status", "unset"),
        "started_at": (BEGAN + timedelta(seconds=trace, milliseconds=span)).isoformat(),
        "duration_ms": more.get("took", 5),
        "attributes": more.get("attributes", {}),
        "links": [],
        "workspace_id": workspace,
    }


async def save(conn: Conn, *rows: dict[str, Any]) -> None:
    await conn.execute("SELECT save_spans(%s)", (Jsonb(list(rows)),))


@pytest.fixture
async def api(database: str) -> AsyncIterator[Conn]:
    """The API, in a transaction that is for our workspace."""
    dsn = make_conninfo(database, options="-c role=supastate_api")
    async with await AsyncConnection.connect(dsn) as conn:
        await show_workspaces(conn, [OURS])
        yield conn


async def test_a_trace_adds_up_over_several_exports(conn: Conn, api: Conn) -> None:
    await save(conn, row(1, 2, name="insert", service="supastate-ingest", status="error"))
    await save(conn, row(1, 1, name="POST", took=40), row(1, 3), row(1, 3))

    [trace] = await list_traces(api, TraceFilter(), limit=10)
    assert (trace.name, trace.spans, trace.errors) == ("POST", 3, 1)
    assert trace.services == ["supastate-api", "supastate-ingest"]
    assert trace.duration_ms == 40


async def test_a_caller_sees_its_own_spans_of_a_trace_that_others_joined(
    conn: Conn, api: Conn
) -> None:
    await save(conn, row(1, 1), row(1, 2, THEIRS), row(1, 3, None), row(2, 4, THEIRS))

    assert [span.span_id for span in await list_spans(api, f"{1:032x}")] == [f"{1:016x}"]
    assert await list_spans(api, f"{2:032x}") == []
    assert await find_trace(api, f"{2:032x}") is None
    assert len(await list_traces(api, TraceFilter(), limit=10)) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TraceFilter(), [3, 2, 1]),
        (TraceFilter(errors=True), [2]),
        (TraceFilter(service="supastate-ingest"), [3]),
        (TraceFilter(min_ms=100), [1]),
        (TraceFilter(message_id="7"), [3]),
        (TraceFilter(message_id="7", queue="other"), []),
        (TraceFilter(job_id=uuid4()), []),
    ],
)
async def test_traces_are_found_by(
    conn: Conn, api: Conn, wanted: TraceFilter, found: list[int]
) -> None:
    about = {"messaging.message.id": "7", "messaging.destination.name": "memory_ingestion"}
    await save(
        conn,
        row(1, 1, took=500),
        row(2, 2, status="error"),
        row(3, 3, service="supastate-ingest", attributes=about),
    )

    traces = await list_traces(api, wanted, limit=10)
    assert [int(trace.trace_id, 16) for trace in traces] == found


async def test_a_job_leads_to_its_trace(conn: Conn, api: Conn) -> None:
    job_id = uuid4()
    await save(conn, row(1, 1, attributes={"supastate.job_id": str(job_id)}), row(2, 2))

    [trace] = await list_traces(api, TraceFilter(job_id=job_id), limit=10)
    assert (trace.trace_id, trace.job_id) == (f"{1:032x}", job_id)


async def test_pages_of_traces_lose_none_and_repeat_none(conn: Conn, api: Conn) -> None:
    await save(conn, *(row(number % 3, number) for number in range(1, 31)))
    seen: list[str] = []
    before = None
    while page := await list_traces(api, TraceFilter(), limit=2, before=before):
        seen += [trace.trace_id for trace in page]
        before = page[-1].started_at, page[-1].trace_id

    assert len(seen) == len(set(seen)) == 3


async def test_only_the_newest_spans_are_kept(conn: Conn) -> None:
    await save(conn, *(row(number, number) for number in range(1, 21)))
    await conn.execute("SELECT purge_spans('3 days', 5)")

    left = await (await conn.execute("SELECT count(*) FROM spans")).fetchone()
    traces = await (await conn.execute("SELECT count(*) FROM traces")).fetchone()
    assert (left, traces) == ((6,), (6,))


async def test_old_spans_are_not_kept(conn: Conn) -> None:
    await save(conn, row(1, 1))
    await conn.execute("SELECT purge_spans('1 minute', 1000)")

    assert await (await conn.execute("SELECT 1 FROM spans")).fetchone() is None


@pytest.mark.parametrize("statement", ["DELETE FROM spans", "DELETE FROM traces"])
async def test_the_api_cannot_delete_spans(api: Conn, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        await api.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]  # of the table above


@pytest.mark.parametrize("role", ["supastate_api", "supastate_worker"])
async def test_an_exporter_may_only_add(database: str, role: str) -> None:
    dsn = make_conninfo(database, options=f"-c role={role}")
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await save(conn, row(1, 1))
        await conn.execute("SELECT purge_spans('3 days', 1000)")


async def test_what_a_span_causes_is_of_its_workspace(database: str, api: Conn) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(InheritWorkspace())
    provider.add_span_processor(SimpleSpanProcessor(PostgresSpanExporter(database)))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("POST"):
        note_workspace(OURS)
        with tracer.start_as_current_span("insert"):
            pass
    with tracer.start_as_current_span("process", attributes={MESSAGE_GROUP: THEIRS}):
        pass
    provider.shutdown()

    [trace] = await list_traces(api, TraceFilter(), limit=10)
    assert (trace.name, trace.spans) == ("POST", 2)


def test_the_same_traces_are_kept_in_every_process(database: str) -> None:
    def kept(share: float) -> set[int]:
        return {
            number
            for number in range(1, 200)
            if PostgresSpanExporter(database, share=share).is_kept(number << 48 | 7)
        }

    assert kept(0.0) == set()
    assert len(kept(1.0)) == 199
    assert kept(0.3) < kept(0.6)


async def test_the_newest_traces_are_read_from_an_index(conn: Conn, api: Conn) -> None:
    workspaces = [OURS, *(f"team:{uuid4()}" for _ in range(29))]
    about = {"messaging.message.id": "7"}
    await save(
        conn,
        *(
            row(n, n, workspaces[n % 30], attributes=about if n < 9 else {})
            for n in range(1, 3_001)
        ),
    )
    await conn.execute("ANALYZE traces, spans")
    nothing: dict[str, Any] = dict.fromkeys(
        ("service", "job_id", "message_id", "queue", "before_at", "before_id"), None
    )
    any_trace = {**nothing, "errors": False, "min_ms": 0.0, "limit": 50}
    for parameters, index in (
        (any_trace, "traces_newest"),
        ({**any_trace, "message_id": "7"}, "spans_of_message"),
        (
            {**any_trace, "before_at": BEGAN + timedelta(seconds=2_000), "before_id": ""},
            "traces_newest",
        ),
    ):
        plan = await (await api.execute("EXPLAIN " + LIST_TRACES, parameters)).fetchall()
        text = "\n".join(line for (line,) in plan)
        assert index in text, text
        assert "Seq Scan" not in text, text
