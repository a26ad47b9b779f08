"""Writes memories and code to the graph, batch by batch."""

from __future__ import annotations

from faststream.asgi import AsgiFastStream

from faststream_pgmq import BatchError, PgmqResponse
from services.ingest.handlers import ingest
from shared.messages import MEMORY_INGESTION, PATTERN_DETECTION, Ingestion
from shared.runtime import RETRY, create_broker, create_parts, create_worker, start_telemetry
from shared.settings import Settings


def create_app(settings: Settings) -> AsgiFastStream:
    """Return the ingest worker; call inside the running event loop."""
    provider = start_telemetry("ingest", settings)
    parts = create_parts(settings)
    broker = create_broker(settings, provider)

    @broker.subscriber(
        MEMORY_INGESTION,
        batch=True,
        max_messages=settings.batch_size,
        visibility_timeout=settings.visibility_timeout_seconds,
        fair=True,  # a workspace that imports much must not delay another's first
        retry=RETRY,
        pause_probe=parts.probe,
    )
    @broker.publisher(PATTERN_DETECTION)
    async def ingest_batch(jobs: list[Ingestion]) -> list[PgmqResponse]:
        outcome = await ingest(jobs, pool=parts.pool, embedder=parts.embedder, driver=parts.driver)
        replies = [*outcome.detections, *outcome.summaries]
        if outcome.errors:
            raise BatchError(outcome.errors, replies=replies)
        return replies

    return create_worker(broker, parts, provider)
