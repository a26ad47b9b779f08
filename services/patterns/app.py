"""Looks for patterns: one request of a workspace at a time, several workspaces side by side."""

from __future__ import annotations

from faststream.asgi import AsgiFastStream
from faststream.exceptions import NackMessage

from faststream_pgmq import PgmqResponse
from faststream_pgmq.annotations import PgmqMessage
from services.patterns import handlers
from services.patterns.deleting import delete_data
from services.patterns.follow_ups import request_the_next_pass, request_the_rest
from services.patterns.resting import choose_pace
from shared.messages import PATTERN_DETECTION, DeleteData, Detection
from shared.postgres.job_cancelling import is_cancelled
from shared.runtime import RETRY, create_broker, create_parts, create_worker, start_telemetry
from shared.settings import Settings


def create_app(settings: Settings) -> AsgiFastStream:
    """Return the patterns worker; call inside the running event loop."""
    provider = start_telemetry("patterns", settings)
    parts = create_parts(settings)
    broker = create_broker(settings, provider)

    @broker.subscriber(
        PATTERN_DETECTION,
        visibility_timeout=settings.visibility_timeout_seconds,
        fair=True,  # a workspace that imports much must not delay another's first
        max_per_group=1,  # runs of one workspace would wait for each other
        retry=RETRY,
        pause_probe=parts.probe,
    )
    @broker.publisher(PATTERN_DETECTION)
    async def detect_patterns(job: Detection, message: PgmqMessage) -> list[PgmqResponse]:
        if isinstance(job, DeleteData):
            pause = await delete_data(
                job, pool=parts.pool, driver=parts.driver, embedder=parts.embedder
            )
            return [] if pause is None else [request_the_next_pass(job, pause)]
        pace = choose_pace(message.headers, settings.detection_share)
        outcome = await handlers.detect_patterns(
            job, driver=parts.driver, embedder=parts.embedder, pace=pace
        )
        if not outcome.has_more:
            return []
        if await is_cancelled(parts.pool, message.msg_id):
            raise NackMessage  # what would be tried again is archived as cancelled
        return [request_the_rest(job, message.headers)]

    return create_worker(broker, parts, provider)
