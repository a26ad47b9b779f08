"""One trace follows each message, also through a batch and through what was merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, PgmqResponse, RetryPolicy
from faststream_pgmq.opentelemetry import PgmqTelemetryMiddleware, message_span
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained


class Traces:
    """The finished spans of a test."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def names_in(self, trace_id: int) -> list[str]:
        spans = self._exporter.get_finished_spans()
        mine = [span for span in spans if trace_of(span) == trace_id]
        return sorted(span.name for span in mine)

    def everything(self) -> str:
        return "".join(span.to_json() for span in self._exporter.get_finished_spans())


@pytest.fixture
def traces() -> Iterator[Traces]:
    collected = Traces()
    yield collected
    collected.provider.shutdown()


@pytest.fixture
def traced(make_broker: BrokerFactory, traces: Traces) -> PgmqBroker:
    return make_broker(middlewares=(PgmqTelemetryMiddleware(tracer_provider=traces.provider),))


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.trace_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


async def test_a_single_message_has_one_trace_from_send_to_its_reply(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    @traced.subscriber("jobs")
    @traced.publisher("results")
    async def handle(job: Job) -> Job:
        with message_span("write", attributes={"rows": 1}):
            return job

    await traced.start()
    msg_id = await traced.publish(Job(n=424242), "jobs")
    await eventually(lambda: is_drained(sql))
    await eventually_ended(traces, "process jobs")

    send, process, write = traces.one("send jobs"), traces.one("process jobs"), traces.one("write")
    assert traces.names_in(trace_of(send)) == [
        "process jobs",
        "queue jobs",
        "send jobs",
        "send results",
        "write",
    ]
    assert parent_of(process) == id_of(send)
    assert parent_of(write) == parent_of(traces.one("send results")) == id_of(process)
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert dict(process.attributes or {}) | {
        "messaging.system": "pgmq",
        "messaging.destination.name": "jobs",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.message.id": str(msg_id),
    } == dict(process.attributes or {})
    assert "424242" not in traces.everything()


async def eventually_ended(traces: Traces, name: str, count: int = 1) -> None:
    async def ended() -> bool:
        return len(traces.named(name)) >= count

    await eventually(ended)


async def test_a_message_of_plain_sql_starts_its_trace_when_it_was_enqueued(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    calls: list[int] = []

    @traced.subscriber("jobs", retry=RetryPolicy(initial_delay=0.01))
    async def handle(job: Job) -> None:
        calls.append(job.n)
        if len(calls) == 1:
            raise ValueError("secret content")

    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)")
    (enqueued_at,) = await fetch_all(sql, "SELECT enqueued_at FROM pgmq.q_jobs")
    await traced.start()
    await eventually_ended(traces, "process jobs", 2)

    waited = traces.one("queue jobs")
    first, second = traces.named("process jobs")
    assert waited.parent is None
    assert abs((waited.start_time or 0) / 1e9 - enqueued_at.timestamp()) < 0.001
    assert parent_of(first) == parent_of(second) == id_of(waited)
    assert (first.status.status_code, second.status.status_code) == (
        StatusCode.ERROR,
        StatusCode.UNSET,
    )
    assert (first.attributes or {})["error.type"] == "ValueError"
    assert "secret content" not in traces.everything()


async def test_a_batch_shows_in_the_trace_of_each_of_its_messages(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    @traced.subscriber("jobs", batch=True)
    @traced.publisher("results")
    async def handle(jobs: list[Job]) -> list[PgmqResponse]:
        with message_span("write", kind=SpanKind.CLIENT) as span:
            span.set_attribute("rows", len(jobs))
        return [PgmqResponse(jobs[1], caused_by=[1])]

    await traced.connect()
    await traced.publish_batch(Job(n=0), Job(n=1), queue="jobs")
    await traced.start()
    await eventually_ended(traces, "process jobs", 2)

    sends, batch = traces.named("send jobs"), traces.one("process jobs batch")
    common = ["process jobs", "queue jobs", "send jobs"]
    assert traces.names_in(trace_of(sends[0])) == [*common, "write"]
    assert traces.names_in(trace_of(sends[1])) == [*common, "send results", "write"]
    assert traces.names_in(trace_of(batch)) == ["process jobs batch", "write"]
    processes = {id_of(span) for span in traces.named("process jobs")}
    assert {link.context.span_id for link in batch.links} == processes
    real, *mirrors = sorted(traces.named("write"), key=lambda one: len(one.links))
    assert {parent_of(mirror) for mirror in mirrors} == processes
    for mirror in mirrors:
        assert (mirror.start_time, mirror.end_time) == (real.start_time, real.end_time)
        assert (mirror.kind, mirror.attributes) == (SpanKind.CLIENT, {"rows": 2})
        assert [link.context.span_id for link in mirror.links] == [id_of(real)]


async def test_what_was_merged_is_processed_in_every_trace_it_descends_from(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    @traced.subscriber("jobs", batch=True)
    @traced.publisher("results")
    async def request(jobs: list[Job]) -> list[PgmqResponse]:
        return [
            PgmqResponse(job, dedup_key="w", caused_by=[index]) for index, job in enumerate(jobs)
        ]

    @traced.subscriber("results")
    async def detect(job: Job) -> None:
        with message_span("detect"):
            pass

    await traced.connect()
    await traced.publish_batch(*(Job(n=n) for n in range(3)), queue="jobs")
    await traced.start()
    await eventually_ended(traces, "process results", 3)

    for send in traces.named("send jobs"):
        names = traces.names_in(trace_of(send))
        assert {"process jobs", "send results", "process results", "detect"} <= set(names)
    assert len(traces.one("process results batch").links) == 3


async def test_one_reply_for_many_messages_is_linked_to_all_of_them(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    @traced.subscriber("jobs", batch=True)
    @traced.publisher("results")
    async def handle(jobs: list[Job]) -> int:
        return len(jobs)

    await traced.connect()
    await traced.publish_batch(*(Job(n=n) for n in range(3)), queue="jobs")
    await traced.start()
    await eventually_ended(traces, "process jobs", 3)

    await eventually(lambda: is_drained(sql))
    (headers,) = await fetch_all(sql, "SELECT headers FROM pgmq.q_results")
    first, *others = traces.named("process jobs")
    reply = traces.one("send results")
    assert trace_of(reply) == trace_of(first)
    assert f"{id_of(reply):016x}" in headers["traceparent"]
    linked = [f"{id_of(other):016x}" for other in others]
    assert [link.split("-")[2] for link in headers["tracelinks"]] == linked


async def test_a_broken_traceparent_is_no_reason_to_stop(
    traced: PgmqBroker, traces: Traces, sql: AsyncConnection[Any]
) -> None:
    @traced.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    await traced.start()
    for headers in ('{"traceparent": "x", "tracelinks": 7}', '{"tracelinks": [1, "y"]}', "[]"):
        await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb, %s::jsonb)", (headers,))
    await eventually_ended(traces, "process jobs", 3)
    await eventually(lambda: is_drained(sql))

    assert await fetch_all(sql, "SELECT count(*) FROM pgmq.a_jobs") == [3]
