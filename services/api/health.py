"""Whether the process lives, whether its servers answer, and its metrics."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.api.describing_problems import describe_problem
from services.api.errors import Detail, respond
from services.api.examples import a_file
from services.api.parts import WithParts
from services.api.problem_kinds import UNAVAILABLE
from shared.errors import DependencyDownError
from shared.runtime import probe_neo4j, probe_postgres

router = APIRouter(tags=["health"])
READY: Final = a_file("application/json", {"status": "ready"})
METRICS: Final = a_file(
    "text/plain",
    'supastate_ingested_items_total{kind="memory",status="queued"} 412.0\n',
)
NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.SERVICE_UNAVAILABLE.value: describe_problem(
        "Names what is down",
        UNAVAILABLE,
        "not ready",
        [Detail(field="Neo4j", reason="does not answer")],
    )
}


@router.get("/health/live", responses=a_file("application/json", {"status": "live"}))
async def get_live() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "live"}


@router.get("/health/ready", response_model=dict[str, str], responses=NOT_READY | READY)
async def get_ready(request: Request, parts: WithParts) -> Response | dict[str, str]:
    """Answer 200 when Postgres and Neo4j do, else 503 with those that do not."""
    probes = (probe_postgres(parts.shared.pool), probe_neo4j(parts.shared.driver))
    answers = await asyncio.gather(*probes, return_exceptions=True)
    down = [answer for answer in answers if isinstance(answer, DependencyDownError)]
    if not down:
        return {"status": "ready"}
    details = [Detail(field=one.dependency, reason="does not answer") for one in down]
    return respond(request, UNAVAILABLE, "not ready", details)


@router.get("/metrics", response_class=Response, responses=METRICS)
async def get_metrics() -> Response:
    """Return the process's metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
