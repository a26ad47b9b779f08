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

from services.api.answers import PatternFound, PatternsFound, ReviewFound, Submitted
from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader, check_workspace
from services.api.bodies import DetectRequest, PatternQuery
from services.api.describing_problems import problems
from services.api.finding_patterns import read_page
from services.api.idempotency import Once, run_once
from services.api.parts import ApiParts, WithParts
from services.api.pattern_filter import PatternFilter, write_place
from services.api.submitting import submit
from shared.domain.accepting import check_text
from shared.domain.detectors import check_types
from shared.domain.findings import MAX_EVIDENCE
from shared.graph.patterns import Pattern, Wanted
from shared.messages import PATTERN_DETECTION, DetectPatterns
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.reviews import Review

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
    wanted: Annotated[PatternFilter, Query()],
) -> PatternsFound:
    """Return the workspace's patterns, the surest or the newest first; not those dismissed."""
    page = await read_page(
        parts,
        caller,
        wanted.wanted(),
        review=wanted.review,
        order=wanted.order,
        limit=wanted.limit,
        evidence=wanted.evidence,
        after=wanted.place(),
    )
    patterns = [describe_pattern(one, page.reviews.get(one.id)) for one in page.patterns]
    following = write_place(page.patterns[-1]) if page.has_more else None
    return PatternsFound(patterns=patterns, count=len(patterns), next=following)


@router.post("/api/patterns/search", responses=problems())
async def search_patterns(body: PatternQuery, caller: Reader, parts: WithParts) -> PatternsFound:
    """Return the patterns nearest to some words, of the surest 200 that nobody dismissed."""
    check_workspace(caller, body.workspace_id, "workspaceId")
    query = check_text(body.query, "query")
    parts.searches.note(caller)
    wanted = Wanted(body.pattern_types, minimum_confidence=body.min_confidence)
    page = await read_page(parts, caller, wanted, limit=MOST_SEARCHED, evidence=MAX_EVIDENCE)
    words = map(describe_in_words, page.patterns)
    vectors = await parts.shared.embedder.embed([query, *words])
    nearness = [cosine(vectors[0], vector) for vector in vectors[1:]]
    pairs = sorted(zip(nearness, page.patterns, strict=True), key=lambda pair: -pair[0])
    patterns = [
        describe_pattern(one, page.reviews.get(one.id), near) for near, one in pairs[: body.limit]
    ]
    return PatternsFound(patterns=patterns, count=len(patterns))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length one."""
    return sum(map(mul, one, other))


def describe_pattern(
    pattern: Pattern, review: Review | None, similarity: float | None = None
) -> PatternFound:
    """Return a pattern as clients see it."""
    said = review and ReviewFound.model_validate(asdict(review))
    return PatternFound.model_validate(
        {**asdict(pattern), "review": said, "similarity": similarity}
    )


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


def describe_detection(job_id: UUID, message: DetectPatterns) -> Action:
    """Return what the audit log holds of a request: what chose the memories that it looks at."""
    chosen = {"pattern_types", "limit", "project_name", "since", "until"}
    wanted = message.model_dump(mode="json", include=chosen, exclude_none=True)
    return Action("patterns.detect", str(job_id), wanted, count=1)


async def detect(
    conn: AsyncConnection[TupleRow], parts: ApiParts, caller: ApiKey, message: DetectPatterns
) -> UUID:
    """Queue a detection request, note who asked, and return its job's id."""
    job_id = await submit(
        conn, parts.broker, caller, queue=PATTERN_DETECTION, kind="patterns", messages=[message]
    )
    await record_action(conn, caller, describe_detection(job_id, message))
    return job_id
