"""Patterns: asking for detection, and reading what was found."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter

from services.api.accepting import check_text
from services.api.answers import Submitted, problems
from services.api.auth import WITH_KEY, KeyedRoute, Operator, check_workspace
from services.api.bodies import DetectRequest
from services.api.parts import ApiParts, WithParts
from services.api.submitting import submit
from shared.domain.detectors import choose_detectors
from shared.messages import PATTERN_DETECTION, DetectPatterns
from shared.postgres.api_keys import ApiKey

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["patterns"])


@router.post("/api/patterns/detect", status_code=HTTPStatus.ACCEPTED, responses=problems())
async def detect_patterns(body: DetectRequest, caller: Operator, parts: WithParts) -> Submitted:
    """Queue a search for patterns in the key's workspace."""
    check_workspace(caller, body.workspace_id, "workspaceId")
    message = DetectPatterns(
        pattern_types=body.pattern_types,
        limit=body.limit,
        user_id=caller.user_id,
        workspace_id=caller.workspace_id,
    )
    return Submitted(job_id=await detect(parts, caller, message), queued=1)


async def detect(parts: ApiParts, caller: ApiKey, message: DetectPatterns) -> UUID:
    """Queue a detection request and return its job's id.

    Raises:
        UnknownPatternTypeError: names the first type that does not exist.
    """
    choose_detectors(check_text(name, "pattern_types") for name in message.pattern_types)
    async with parts.shared.pool.connection() as conn:
        return await submit(
            conn, parts.broker, caller, queue=PATTERN_DETECTION, kind="patterns", messages=[message]
        )
