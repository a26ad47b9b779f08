"""Retention and gauges: what is old goes by itself, and Prometheus sees the rest."""

from datetime import timedelta

from faststream import FastStream
from prometheus_client import CollectorRegistry, generate_latest

from faststream_pgmq import PgmqBroker
from faststream_pgmq.examples.setting_up import DATABASE_URL, make_queues
from faststream_pgmq.prometheus import PgmqPrometheusMiddleware, QueueCollector

registry = CollectorRegistry()
broker = PgmqBroker(DATABASE_URL, middlewares=[PgmqPrometheusMiddleware(registry=registry)])
app = FastStream(broker)
QueueCollector(DATABASE_URL, registry=registry)


@app.on_startup
async def prepare() -> None:
    await make_queues("example_jobs")


@broker.subscriber(
    "example_jobs", archive_retention=timedelta(days=14), dead_letter_retention=timedelta(days=90)
)
async def work(n: int) -> None:
    app.exit()


@app.after_startup
async def send() -> None:
    await broker.publish(1, "example_jobs")


@app.after_shutdown
async def show_gauges() -> None:
    # In a service: prometheus_client.start_http_server(9000, registry=registry).
    text = generate_latest(registry).decode()
    print(next(line for line in text.splitlines() if line.startswith("pgmq_queue_ready")))
