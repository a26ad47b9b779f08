"""FastStream's own telemetry over this broker: spans, counters, baggage, and few names."""

from __future__ import annotations

from typing import Any

import pytest
from faststream.opentelemetry import Baggage, CurrentBaggage, CurrentSpan
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from faststream_pgmq import PgmqBroker, TestPgmqBroker
from faststream_pgmq.opentelemetry import PgmqTelemetryMiddleware
from faststream_pgmq.opentelemetry.settings import FastStreamTelemetryMiddleware


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [one for one in exporter.get_finished_spans() if one.name == name]
    return span


async def test_a_message_has_faststreams_spans_in_one_trace(
    exporter: InMemorySpanExporter, tracers: TracerProvider
) -> None:
    broker = PgmqBroker(middlewares=[FastStreamTelemetryMiddleware(tracer_provider=tracers)])

    @broker.subscriber("jobs")
    async def take(body: str) -> None: ...

    async with TestPgmqBroker(broker):
        await broker.publish("héllo", "jobs", correlation_id="c")
    process, publish = named(exporter, "jobs process"), named(exporter, "jobs publish")
    assert process.context is not None
    assert publish.context is not None
    assert process.context.trace_id == publish.context.trace_id
    attributes = dict(process.attributes or {})
    assert attributes["messaging.system"] == "pgmq"
    assert attributes["messaging.message.conversation_id"] == "c"
    assert attributes["messaging.message.payload_size_bytes"] == len("héllo".encode())


async def test_a_batch_says_how_many_it_holds(
    exporter: InMemorySpanExporter, tracers: TracerProvider
) -> None:
    broker = PgmqBroker(middlewares=[FastStreamTelemetryMiddleware(tracer_provider=tracers)])

    @broker.subscriber("jobs", batch=True)
    async def take(bodies: list[int]) -> None: ...

    async with TestPgmqBroker(broker):
        await broker.publish_batch(1, 22, queue="jobs")
    attributes = dict(named(exporter, "jobs process").attributes or {})
    assert attributes["messaging.batch.message_count"] == 2
    assert attributes["messaging.message.payload_size_bytes"] == 3


async def test_processed_messages_are_counted_and_timed() -> None:
    reader = InMemoryMetricReader()
    meters = MeterProvider(metric_readers=[reader])
    broker = PgmqBroker(middlewares=[FastStreamTelemetryMiddleware(meter_provider=meters)])

    @broker.subscriber("jobs", batch=True)
    async def take(bodies: list[int]) -> None: ...

    async with TestPgmqBroker(broker):
        await broker.publish_batch(1, 2, queue="jobs")
    data: Any = reader.get_metrics_data()
    metrics = {one.name: one for one in data.resource_metrics[0].scope_metrics[0].metrics}
    assert metrics["messaging.process.messages"].data.data_points[0].value == 2
    assert metrics["messaging.process.duration"].data.data_points[0].count == 1


async def test_baggage_travels_and_the_span_can_be_asked_for(tracers: TracerProvider) -> None:
    broker = PgmqBroker(middlewares=[FastStreamTelemetryMiddleware(tracer_provider=tracers)])
    seen: list[Any] = []

    @broker.subscriber("jobs")
    async def take(body: str, span: CurrentSpan, baggage: CurrentBaggage) -> None:
        seen.append((span.is_recording(), baggage.get("shop")))

    async with TestPgmqBroker(broker):
        await broker.publish("x", "jobs", headers=Baggage({"shop": "7"}).to_headers())
    assert seen == [(True, "7")]


@pytest.mark.parametrize("middleware", [FastStreamTelemetryMiddleware, PgmqTelemetryMiddleware])
async def test_a_request_has_no_name_of_its_own_in_spans(
    exporter: InMemorySpanExporter, tracers: TracerProvider, middleware: Any
) -> None:
    broker = PgmqBroker(middlewares=[middleware(tracer_provider=tracers)])

    @broker.subscriber("jobs")
    async def answer(body: str, span: CurrentSpan) -> str:
        return body

    async with TestPgmqBroker(broker):
        for _ in range(3):
            await broker.request("x", "jobs")
    spans = exporter.get_finished_spans()
    names = {span.name for span in spans}
    assert any("(temporary)" in name for name in names)
    destinations = {
        str(value)
        for span in spans
        for name, value in (span.attributes or {}).items()
        if name.startswith("messaging.destination")
    }
    assert destinations == {"jobs", "(temporary)"}
    # Question and answer are one trace each.
    assert len({span.context.trace_id for span in spans if span.context is not None}) == 3
