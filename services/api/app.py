"""The HTTP interface: checks what comes in, stores it, queues the work, and reads the results."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider

from services.api import (
    edge_functions,
    entities,
    graph,
    health,
    ingest,
    jobs,
    key_routes,
    patterns,
    removing,
    search,
    summaries,
)
from services.api.errors import install_error_handlers
from services.api.known_keys import KnownKeys
from services.api.limits import LimitBody
from services.api.metrics import MeasureRequests
from services.api.parts import ApiParts
from services.api.rate_limits import RateLimits
from services.api.tracing import HideQueries, trace_requests
from shared.runtime import create_broker, create_parts
from shared.settings import Settings

ROUTERS: Final = (
    ingest.router,
    removing.router,
    search.router,
    entities.router,
    graph.router,
    patterns.router,
    summaries.router,
    jobs.router,
    key_routes.router,
    edge_functions.router,
    health.router,
)


def create_app(settings: Settings, provider: TracerProvider) -> FastAPI:
    """Return the application; it connects when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        parts, broker = create_parts(settings), create_broker(settings, provider)
        async with parts.opened(), broker:
            limits = RateLimits(parts.pool, requests_per_minute=settings.requests_per_minute)
            app.state.parts = ApiParts(parts, broker, KnownKeys(parts.pool), limits)
            yield
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
    return app
