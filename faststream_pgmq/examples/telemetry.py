"""One trace from the sender to the last reply. Needs opentelemetry-sdk."""

from faststream import FastStream
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from faststream_pgmq import PgmqBroker
from faststream_pgmq.examples.setting_up import DATABASE_URL, make_queues
from faststream_pgmq.opentelemetry import PgmqTelemetryMiddleware, message_span

exporter = InMemorySpanExporter()  # yours: OTLPSpanExporter
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
broker = PgmqBroker(DATABASE_URL, middlewares=[PgmqTelemetryMiddleware(tracer_provider=provider)])
app = FastStream(broker)


@app.on_startup
async def prepare() -> None:
    await make_queues("example_texts", "example_lengths")


@broker.subscriber("example_texts")
@broker.publisher("example_lengths")
async def measure(text: str) -> int:
    with message_span("count letters"):
        return len(text)


@broker.subscriber("example_lengths")
async def show(length: int) -> None:
    print(f"length {length}")
    app.exit()


@app.after_startup
async def write() -> None:
    await broker.publish("a text", "example_texts")


@app.after_shutdown
async def show_trace() -> None:
    spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    traces = {span.context.trace_id for span in spans if span.context is not None}
    print(f"{len(traces)} trace: {', '.join(span.name for span in spans)}")
