"""What a request leaves in traces and metrics."""

from __future__ import annotations

import httpx
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.integration.api.conftest import Client


def of_kind(spans: InMemorySpanExporter, kind: SpanKind) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.kind is kind]


async def test_the_messages_of_a_request_hang_below_its_server_span(
    client: Client, conn: AsyncConnection[TupleRow], spans: InMemorySpanExporter
) -> None:
    await client.send_chunks(*({"chunkId": f"c{number}", "content": "x"} for number in range(3)))

    (server,) = of_kind(spans, SpanKind.SERVER)
    assert server.name == "POST /api/ingest/memory"
    producers = of_kind(spans, SpanKind.PRODUCER)
    assert producers
    assert {span.context.trace_id for span in producers if span.context} == {
        server.context and server.context.trace_id
    }
    headers = await (
        await conn.execute("SELECT headers->>'traceparent' FROM pgmq.q_memory_ingestion")
    ).fetchall()
    assert server.context is not None
    assert {row[0].split("-")[1] for row in headers} == {f"{server.context.trace_id:032x}"}


async def test_a_callers_trace_is_continued(client: Client, spans: InMemorySpanExporter) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    await client.http.get(
        "/api/jobs", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    )

    (server,) = of_kind(spans, SpanKind.SERVER)
    assert server.context is not None
    assert f"{server.context.trace_id:032x}" == trace_id


async def test_neither_content_nor_query_nor_key_enters_a_span(
    client: Client, spans: InMemorySpanExporter
) -> None:
    await client.send_chunks({"chunkId": "c1", "content": "a-secret-plan"})
    await client.get("/api/search/memories", q="another-secret-plan", limit=3)
    await client.get("/api/projects/a-secret-plan")
    await client.delete("/api/memories/a-secret-plan")

    written = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "secret-plan" not in written
    assert client.key not in written
    queries = [(span.attributes or {}).get("url.query") for span in spans.get_finished_spans()]
    assert [query for query in queries if query] == ["q=…&limit=…"]


async def test_health_checks_leave_no_span(
    stranger: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    for path in ("/health/live", "/metrics"):
        await stranger.get(path)

    assert spans.get_finished_spans() == ()


async def test_methods_that_nobody_knows_are_counted_as_one(stranger: httpx.AsyncClient) -> None:
    for method in ("FROB", "QUUX"):
        await stranger.request(method, "/api/jobs")

    metrics = (await stranger.get("/metrics")).text
    assert 'method="_OTHER"' in metrics
    assert not {"FROB", "QUUX"} & set(metrics.split('"'))


async def test_requests_are_counted_by_route_and_status(
    client: Client, stranger: httpx.AsyncClient
) -> None:
    await client.get("/api/jobs/0b1d3f0e-5f0c-4a39-9a3a-0e6f1c6b7d11")

    metrics = (await stranger.get("/metrics")).text
    assert (
        'supastate_http_request_seconds_count{method="GET",route="/api/jobs/{job_id}",status="404"}'
        in metrics
    )
    assert "0b1d3f0e" not in metrics
