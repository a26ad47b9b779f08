"""Patterns: asking for detection, and reading what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from operator import mul
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.answers import PatternFound, PatternsFound, Submitted, problems
from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader, check_workspace
from services.api.bodies import DetectRequest, PatternQuery, ProjectFilter
from services.api.idempotency import Once, run_once
from services.api.parts import ApiParts, WithParts
from services.api.submitting import submit
from shared.domain.accepting import check_text
from shared.domain.detectors import check_types
from shared.graph.patterns import Pattern, list_patterns
from shared.messages import PATTERN_DETECTION, DetectPatterns, PatternType
from shared.postgres.api_keys import ApiKey

MOST_SEARCHED: Final = 200
EXCERPTS_SEARCHED: Final = 5
router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["patterns"])


@router.post("/api/patterns/detect", status_code=HTTPStatus.ACCEPTED, responses=problems())
async def detect_patterns(
    body: DetectRequest, caller: Operator, parts: WithParts, once: Once = None
) -> Submitted:
    """Queue a search for patterns in the key's workspace."""
    check_workspace(caller, body.workspace_id, "workspaceId")
    message = DetectPatterns(
        pattern_types=body.pattern_types,
        limit=body.limit,
        user_id=caller.user_id,
        workspace_id=caller.workspace_id,
        project_name=body.project_name and check_text(body.project_name, "projectName"),
        since=body.since,
        until=body.until,
    )
    check_known(message)

    async def queue() -> Submitted:
        return Submitted(job_id=await detect(conn, parts, caller, message), queued=1)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, queue, Submitted)


@router.get("/api/patterns", responses=problems())
async def get_patterns(
    caller: Reader,
    parts: WithParts,
    pattern_type: Annotated[PatternType | None, Query(alias="type")] = None,
    project: ProjectFilter = None,
    min_confidence: Annotated[float, Query(alias="minConfidence", ge=0, le=1)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PatternsFound:
    """Return the workspace's patterns, the surest first."""
    found = await list_patterns(
        parts.shared.driver,
        caller.workspace_id,
        types=[pattern_type] if pattern_type else [],
        project_name=project and check_text(project, "project"),
        minimum_confidence=min_confidence,
        limit=limit,
    )
    patterns = [describe_pattern(pattern) for pattern in found]
    return PatternsFound(patterns=patterns, count=len(patterns))


@router.post("/api/patterns/search", responses=problems())
async def search_patterns(body: PatternQuery, caller: Reader, parts: WithParts) -> PatternsFound:
    """Return the patterns nearest to some words, of the workspace's surest 200."""
    check_workspace(caller, body.workspace_id, "workspaceId")
    query = check_text(body.query, "query")
    found = await list_patterns(
        parts.shared.driver,
        caller.workspace_id,
        types=body.pattern_types,
        minimum_confidence=body.min_confidence,
        limit=MOST_SEARCHED,
    )
    vectors = await parts.shared.embedder.embed([query, *map(describe_in_words, found)])
    nearness = [cosine(vectors[0], vector) for vector in vectors[1:]]
    ranked = sorted(zip(nearness, found, strict=True), key=lambda pair: -pair[0])[: body.limit]
    patterns = [describe_pattern(pattern, similarity) for similarity, pattern in ranked]
    return PatternsFound(patterns=patterns, count=len(patterns))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length one."""
    return sum(map(mul, one, other))


def describe_pattern(pattern: Pattern, similarity: float | None = None) -> PatternFound:
    """Return a pattern as clients see it."""
    return PatternFound.model_validate({**asdict(pattern), "similarity": similarity})


def describe_in_words(pattern: Pattern) -> str:
    """Return what a search for this pattern is compared with."""
    excerpts = [one.excerpt for one in pattern.evidence[:EXCERPTS_SEARCHED]]
    return "\n".join([pattern.type, pattern.name, pattern.project_name, *excerpts])


def check_known(message: DetectPatterns) -> None:
    """Return when every type that the request names exists.

    Raises:
        UnknownPatternTypeError: names the first type that does not exist.
    """
    check_types(check_text(name, "pattern_types") for name in message.pattern_types)


async def detect(
    conn: AsyncConnection[TupleRow], parts: ApiParts, caller: ApiKey, message: DetectPatterns
) -> UUID:
    """Queue a detection request and return its job's id."""
    return await submit(
        conn, parts.broker, caller, queue=PATTERN_DETECTION, kind="patterns", messages=[message]
    )
