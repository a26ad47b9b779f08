"""An API at the HTTP seam: it keeps what it is sent, and can be told to misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from cli.api_client import ApiClient, Patience
from cli.connection import ApiAddress

KEY = "sst_test"
QUICK = Patience(total_seconds=5.0, first_pause_seconds=0.01, longest_pause_seconds=0.05)


@dataclass
class FakeApi:
    """Speaks the protocol of `services/api` over real HTTP."""

    url: str = ""
    chunks: dict[str, str] = field(default_factory=dict[str, str])
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    failures: list[int] = field(default_factory=list[int])
    """Statuses that the next requests are answered with."""
    refused: str = "refuse me"
    """Content that is failed alone."""
    poison: str = "poison"
    """Content that makes the API refuse the whole request."""
    queues: list[int] = field(default_factory=list[int])
    """What is left in `memory_ingestion` at each poll; the last stays."""
    dead_after_sending: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> ApiAddress:
        return ApiAddress(self.url, KEY)

    def take(self, body: dict[str, Any]) -> JSONResponse:
        self.requests.append(body)
        items = body.get("chunks") or body["files"]
        if any(item["content"] == self.poison for item in items):
            return JSONResponse({"error": "a value cannot be stored"}, 400)
        results = [self._keep(item) for item in items]
        if all(result["status"] == "failed" for result in results):
            details = [{"field": f"chunks[{n}].content", "reason": "no"} for n in range(len(items))]
            return JSONResponse({"error": "nothing can be accepted", "details": details}, 400)
        return JSONResponse({"jobId": str(uuid4()), "results": results}, 202)

    def _keep(self, item: dict[str, Any]) -> dict[str, Any]:
        key = item.get("chunkId") or item["path"]
        if item["content"] == self.refused:
            error = {"field": "chunks[7].content", "reason": "refused"}
            return {"status": "failed", "error": error}
        known = self.chunks.get(key) == item["content"]
        self.chunks[key] = item["content"]
        return {"status": "unchanged" if known else "queued", "error": None}

    def count(self) -> dict[str, Any]:
        left = self.queues.pop(0) if len(self.queues) > 1 else self.queues[0] if self.queues else 0
        names = ("memory_ingestion", "pattern_detection", "summary_generation")
        empty = {"waiting": 0, "delayed": 9, "running": 0, "retrying": 0, "dead": 0}
        states = [empty | {"name": name} for name in names]
        states[0] |= {"waiting": left, "dead": self.dead_after_sending if self.requests else 0}
        return {"queues": states, "drained": left == 0}


def create_app(api: FakeApi) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def misbehave(request: Request, call_next: Any) -> Any:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": "a valid API key is needed"}, 401)
        if api.failures:
            return JSONResponse({"error": "busy"}, api.failures.pop(0), {"Retry-After": "0"})
        return await call_next(request)

    @app.post("/api/ingest/{kind}")
    def ingest(kind: str, body: dict[str, Any]) -> JSONResponse:
        with api.lock:
            return api.take(body)

    @app.get("/api/queues")
    def queues() -> dict[str, Any]:
        with api.lock:
            return api.count()

    @app.post("/api/queues/{name}/{action}")
    def change_queue(name: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
        changed = name not in {"unchanged"}
        api.requests.append({"queue": name, "action": action, **body})
        return {"name": name, "paused": action == "pause", "changed": changed}

    @app.get("/api/jobs")
    def jobs() -> dict[str, Any]:
        searched = {"jobs": 0, "backTo": None, "isComplete": True}
        return {"jobs": [], "next": None, "searched": searched}

    return app


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()
    config = uvicorn.Config(create_app(fake), port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    fake.url = f"http://127.0.0.1:{port}"
    yield fake
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(api: FakeApi) -> Iterator[ApiClient]:
    with ApiClient(api.address, QUICK) as opened:
        yield opened
