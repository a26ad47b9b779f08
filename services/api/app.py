"""The HTTP interface: checks what comes in, stores it, queues the work, and reads the results."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider

from services.api import (
    dead_letters,
    deleting,
    description,
    edge_functions,
    entities,
    exporting,
    graph,
    health,
    ingest,
    jobs,
    key_routes,
    operations,
    pattern_routes,
    patterns,
    projects,
    queues,
    removing,
    reporting,
    search,
    summaries,
)
from services.api.counting_searches import SearchCounts
from services.api.dashboard.site import install_dashboard
from services.api.errors import install_error_handlers
from services.api.known_keys import KnownKeys
from services.api.limits import LimitBody
from services.api.live import routes as live_routes
from services.api.live.job_watch import watching
from services.api.live.listening import listening
from services.api.live.streams import Streams
from services.api.metrics import MeasureRequests
from services.api.operation_worker import OperationWorker
from services.api.parts import ApiParts
from services.api.rate_limits import RateLimits
from services.api.sampling import sampling
from services.api.traces import routes as trace_routes
from services.api.tracing import HideQueries, trace_requests
from shared.runtime import create_broker, create_page_pool, create_parts
from shared.settings import Settings

ROUTERS: Final = (
    ingest.router,
    removing.router,
    deleting.router,
    exporting.router,
    reporting.router,
    search.router,
    entities.router,
    graph.router,
    patterns.router,
    pattern_routes.router,
    projects.router,
    summaries.router,
    jobs.router,
    queues.router,
    operations.router,
    dead_letters.router,
    live_routes.router,
    trace_routes.router,
    key_routes.router,
    edge_functions.router,
    health.router,
    description.router,
)


def create_app(settings: Settings, provider: TracerProvider) -> FastAPI:
    """Return the application; it connects when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        parts, broker = create_parts(settings), create_broker(settings, provider)
        keys = KnownKeys(parts.pool)
        limits = RateLimits(parts.pool, requests_per_minute=settings.requests_per_minute)
        streams, operations = Streams(keys), OperationWorker(parts.pool)
        pages = create_page_pool(settings)
        try:
            async with (
                parts.opened(),
                broker,
                pages,
                listening(settings) as live,
                streams.checked(),
                watching(live, pages, settings) as watch,
                sampling(
                    parts.pool, settings.queue_sample_seconds, settings.visibility_timeout_seconds
                ),
                operations.running(),
                SearchCounts(parts.pool).written() as searches,
            ):
                app.state.parts = ApiParts(
                    shared=parts,
                    broker=broker,
                    keys=keys,
                    limits=limits,
                    live=live,
                    streams=streams,
                    pages=pages,
                    operations=operations,
                    watch=watch,
                    searches=searches,
                )
                yield
        finally:
            provider.shutdown()

    app = FastAPI(
        title="Supastate",
        summary="Team memory for people who work with coding assistants",
        version="0.1.0",
        docs_url=None,  # its page loads scripts from elsewhere; /openapi.json needs none
        redoc_url=None,
        lifespan=lifespan,
        telemetry=trace_requests(provider),
    )
    for middleware in (LimitBody, HideQueries, MeasureRequests):
        app.add_middleware(middleware)
    for router in ROUTERS:
        app.include_router(router)
    install_error_handlers(app)
    description.install_description(app)
    install_dashboard(app, settings)
    return app


def end_streams(app: FastAPI) -> None:
    """End the live streams of a started application; their clients come back to another."""
    parts: ApiParts | None = getattr(app.state, "parts", None)
    if parts is not None:
        parts.live.end()
