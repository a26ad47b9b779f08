"""Traces: one provider a process, spans exported where the settings say.

Spans carry names, ids, counts and times; never content, keys or embeddings. SQL and Cypher are
recorded as templates, their parameters are not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util.types import Attributes

from faststream_pgmq.opentelemetry import MESSAGE_GROUP
from faststream_pgmq.opentelemetry import message_span as step_span

__all__ = ["configure_telemetry", "step_span"]

WORKSPACE: Final = "supastate.workspace_id"
JOB: Final = "supastate.job_id"
EXPORT_DELAY_MILLISECONDS: Final = 500
SPAN_QUEUE_SIZE: Final = 65_536
"""A batch of 100 messages ends some 600 spans at once; a full queue drops them."""


def configure_telemetry(service: str, exporters: Sequence[SpanExporter] = ()) -> TracerProvider:
    """Return this process's tracer provider, made global; call once, at start.

    Exports over OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and to `exporters` in any case.
    """
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"supastate-{service}"}),
        sampler=ParentBased(root=WithoutLonelyClientSpans(ALWAYS_ON)),
    )
    provider.add_span_processor(InheritWorkspace())
    for exporter in [*exporters, *_otlp_exporters()]:
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=SPAN_QUEUE_SIZE,
                schedule_delay_millis=EXPORT_DELAY_MILLISECONDS,
            )
        )
    trace.set_tracer_provider(provider)
    PsycopgInstrumentor().instrument(tracer_provider=provider)
    return provider


def _otlp_exporters() -> list[SpanExporter]:
    wanted = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    return [OTLPSpanExporter()] if wanted else []


def note_workspace(workspace_id: str) -> None:
    """Write down whose work the current span is; what it causes in this process is too."""
    trace.get_current_span().set_attribute(WORKSPACE, workspace_id)


def note_job(job_id: UUID) -> None:
    """Write down which job the current span's trace is about."""
    trace.get_current_span().set_attribute(JOB, str(job_id))


def find_workspace(span: object) -> str | None:
    """Return whose work a span is, as far as it says so: a message names its group."""
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    found = attributes and (attributes.get(WORKSPACE) or attributes.get(MESSAGE_GROUP))
    return str(found) if found else None


class InheritWorkspace(SpanProcessor):
    """Lets a span without a workspace of its own have its parent's, if that is in this process."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if find_workspace(span) is None:
            workspace_id = find_workspace(trace.get_current_span(parent_context))
            if workspace_id is not None:
                span.set_attribute(WORKSPACE, workspace_id)


class WithoutLonelyClientSpans(Sampler):
    """Drops client spans without a parent: a query of the broker's own loop explains nothing."""

    def __init__(self, delegate: Sampler) -> None:
        self._delegate = delegate

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: trace.TraceState | None = None,
    ) -> SamplingResult:
        if kind is SpanKind.CLIENT:
            return SamplingResult(Decision.DROP)
        return self._delegate.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"WithoutLonelyClientSpans({self._delegate.get_description()})"
