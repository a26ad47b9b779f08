"""What `/metrics` shows of the API, in Prometheus' format."""

from __future__ import annotations

import time
from http import HTTPMethod, HTTPStatus
from typing import Final

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = frozenset(HTTPMethod)
OTHER_METHOD: Final = "_OTHER"
"""OpenTelemetry's name for a method that nobody knows: a client can make up any number of them."""
STREAM: Final = b"text/event-stream; charset=utf-8"
REQUEST_SECONDS: Final = Histogram(
    "supastate_http_request_seconds",
    "Time from a request to the end of its answer",
    ["method", "route", "status"],
)
INGESTED: Final = Counter(
    "supastate_ingested_items", "Chunks and files sent to the API", ["kind", "status"]
)


class MeasureRequests:
    """Counts and times requests by route, never by path: ids would make endless series."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        ended: float | None = None

        async def send_watched(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                if (b"content-type", STREAM) in message["headers"]:
                    ended = time.perf_counter()  # it stays open for hours
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            seconds = (ended or time.perf_counter()) - started
            method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
            REQUEST_SECONDS.labels(method, route, str(status)).observe(seconds)
