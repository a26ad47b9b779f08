"""Traces of requests: FastAPI's own server spans, without what people search for."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi.telemetry import TelemetryConfig
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span
from starlette.types import ASGIApp, Receive, Scope, Send

UNTRACED: Final = ("/health/", "/metrics")
STREAMED: Final = ("/api/live", "/events")
"""A stream would be one span of hours."""
LOOKING: Final = "/dashboard"
NAMED: Final = ("/api/memories/", "/api/projects/", "/dashboard/projects/")
"""Where a path goes on with a name that somebody chose."""


def trace_requests(provider: TracerProvider) -> TelemetryConfig:
    """Return FastAPI's settings: a server span a request, its SQL and messages below it."""
    return TelemetryConfig(
        tracer_provider=provider,
        metrics=False,
        logs=False,
        operation_spans=False,
        exclude=_is_untraced,
    )


def _is_untraced(scope: Any) -> bool:
    path = str(scope.get("path", ""))
    # Else the newest traces would be of people who look at the newest traces.
    is_looking = path.startswith(LOOKING) and scope.get("method") in ("GET", "HEAD")
    return is_looking or path.startswith(UNTRACED) or path.endswith(STREAMED)


class HideQueries:
    """Takes what is content out of the span: a query string's values, and names in a path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope.get("query_string", b"")
        if query and (span := get_current_span()).is_recording():
            names = [name for name, _ in parse_qsl(query.decode("latin-1"))]
            span.set_attribute("url.query", "&".join(f"{name}=…" for name in names))
        path = str(scope.get("path", ""))
        if start := next((one for one in NAMED if path.startswith(one)), None):
            get_current_span().set_attribute("url.path", f"{start}…")
        await self._app(scope, receive, send)
