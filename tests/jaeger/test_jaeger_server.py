"""The Jaeger that the tests of traces rely on."""

from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import format_trace_id, set_span_in_context

from tests.jaeger.server import JaegerServer
from tests.jaeger.server import jaeger as jaeger


def _make_provider(service: str, jaeger: JaegerServer) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{jaeger.otlp_http_url}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_a_trace_of_two_services_is_found_with_its_parents(jaeger: JaegerServer) -> None:
    api, ingest = _make_provider("api", jaeger), _make_provider("ingest", jaeger)
    with api.get_tracer("test").start_as_current_span("request") as request:
        trace_id = format_trace_id(request.get_span_context().trace_id)
        context = set_span_in_context(request)
        ingest.get_tracer("test").start_span("write", context, attributes={"rows": 3}).end()
    api.shutdown()
    ingest.shutdown()

    spans = jaeger.find_trace(trace_id, until=lambda found: len(found) == 2)

    found = {span.service: span for span in spans}
    assert found["ingest"].parent_id == found["api"].span_id
    assert found["ingest"].tags["rows"] == 3
    assert found["api"].parent_id is None


def test_an_unknown_trace_has_no_spans(jaeger: JaegerServer) -> None:
    assert jaeger.find_trace(uuid4().hex, patience_seconds=0) == []
