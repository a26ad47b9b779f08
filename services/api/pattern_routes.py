"""One pattern: why it is one, what somebody says of it; and how often each type is, by week."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from services.api.answers import (
    PatternDetail,
    PatternRates,
    RateStep,
    RelatedPattern,
    TypeRates,
    WeekRate,
)
from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader
from services.api.bodies import Body, ProjectFilter
from services.api.describing_problems import problems
from services.api.examples import patterns as patterns_examples
from services.api.examples import shown
from services.api.finding_patterns import ReviewedPattern, read_pattern
from services.api.finding_rates import Rate, monday_of, read_period, read_rates
from services.api.parameters import PatternId
from services.api.parts import WithParts
from services.api.patterns import describe_pattern
from services.api.reviewing import review_pattern
from shared.domain.accepting import check_text
from shared.graph.pattern_rates import Step
from shared.messages import PatternType
from shared.postgres.reviews import Verdict

MISSING: Final = problems(HTTPStatus.NOT_FOUND)
router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["patterns"])


class ReviewRequest(Body):
    """What somebody says of a pattern."""

    model_config = shown(patterns_examples.REVIEW)

    verdict: Verdict | None = Field(
        description="`dismissed` hides it, from now on and when it is found again; "
        "null takes back what was said",
        examples=["confirmed"],
    )
    note: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        default=None, description="why; secrets in it are redacted"
    )


# Before the route with an id: its path would take this one for an id.
@router.get("/api/patterns/rates", responses=problems())
async def get_rates(
    caller: Reader,
    parts: WithParts,
    pattern_type: Annotated[list[PatternType], Query(alias="type", max_length=32)] = [],  # noqa: B006  # FastAPI copies it
    project: ProjectFilter = None,
    weeks: Annotated[int, Query(ge=1, le=104)] = 12,
) -> PatternRates:
    """Return what share of each week's memories patterns of each type stand on, and how sure."""
    name = project and check_text(project, "project")
    rates = await read_rates(
        parts, caller, await read_period(parts, caller, weeks, name), types=pattern_type
    )
    return PatternRates(
        rates=[
            TypeRates(
                type=kind,
                weeks=[describe_rate(rate) for rate in of_type],
                steps=[describe_step(step) for step in rates.steps if step.type == kind],
            )
            for kind, of_type in rates.by_type.items()
        ]
    )


@router.get("/api/patterns/{pattern_id}", responses=MISSING)
async def get_pattern(pattern_id: PatternId, caller: Reader, parts: WithParts) -> PatternDetail:
    """Return one pattern with its reason, all its evidence, and what stands on the same."""
    return describe_detail(await read_pattern(parts, caller, pattern_id))


@router.post("/api/patterns/{pattern_id}/review", responses=MISSING)
async def post_review(
    pattern_id: PatternId, body: ReviewRequest, caller: Operator, parts: WithParts
) -> PatternDetail:
    """Confirm or dismiss a pattern, or take that back. It outlasts every later detection."""
    await review_pattern(parts, caller, pattern_id, body.verdict, body.note)
    return describe_detail(await read_pattern(parts, caller, pattern_id))


def describe_detail(found: ReviewedPattern) -> PatternDetail:
    """Return one pattern as clients see it."""
    facts = {name: fact for name, fact in found.pattern.metadata.items() if name != "reason"}
    return PatternDetail(
        **describe_pattern(found.pattern, found.review).model_dump(),
        reason=str(found.pattern.metadata.get("reason", "")),
        facts=facts,
        related=[RelatedPattern.model_validate(asdict(one)) for one in found.related],
    )


def describe_step(step: Step) -> RateStep:
    """Return a change of how patterns are found, as clients see it."""
    return RateStep(
        at=step.at,
        week=monday_of(step.at),
        detector=step.detector,
        method=step.method,
        before=step.before,
    )


def describe_rate(rate: Rate) -> WeekRate:
    """Return one week as clients see it."""
    return WeekRate.model_validate({**asdict(rate), "share": rate.share})
