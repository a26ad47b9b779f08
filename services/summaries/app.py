"""Writes project summaries, one request at a time."""

from __future__ import annotations

from faststream.asgi import AsgiFastStream

from faststream_pgmq import PgmqResponse
from services.summaries.handlers import TooYoung, summarize_project
from shared.llm import open_summariser
from shared.messages import DELAYED_HEADER, SUMMARY_GENERATION, SummarizeProject
from shared.runtime import RETRY, create_broker, create_parts, create_worker, start_telemetry
from shared.settings import Settings


def create_app(settings: Settings) -> AsgiFastStream:
    """Return the summaries worker; call inside the running event loop."""
    provider = start_telemetry("summaries", settings)
    parts = create_parts(settings)
    broker = create_broker(settings, provider)
    summariser = open_summariser(settings)

    @broker.subscriber(
        SUMMARY_GENERATION,
        visibility_timeout=settings.visibility_timeout_seconds,
        fair=True,  # a workspace that imports much must not delay another's first
        retry=RETRY,
        pause_probe=parts.probe,
    )
    @broker.publisher(SUMMARY_GENERATION)
    async def summarize(job: SummarizeProject) -> PgmqResponse | None:
        outcome = await summarize_project(
            job,
            pool=parts.pool,
            summariser=summariser,
            debounce_seconds=settings.summary_debounce_seconds,
        )
        return _later(job, outcome) if isinstance(outcome, TooYoung) else None

    return create_worker(broker, parts, provider)


def _later(job: SummarizeProject, outcome: TooYoung) -> PgmqResponse:
    return PgmqResponse(
        job,
        delay=outcome.delay_seconds,
        headers={DELAYED_HEADER: True},
        dedup_key=f"summary:{job.workspace_id}:{job.project_name}",
        group=job.workspace_id,
    )
