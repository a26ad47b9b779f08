"""What is changing, on what evidence: rates by week, patterns with their reasons, and reviews."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, get_args
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.api.auth import Operator, Reader
from services.api.dashboard.rate_drawing import draw_rates
from services.api.dashboard.registry import ROOT, Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.finding_patterns import read_page, read_pattern
from services.api.finding_rates import Rate, monday_of, read_period, read_rates
from services.api.parts import ApiParts, WithParts
from services.api.pattern_filter import PatternFilter, write_place
from services.api.reviewing import review_pattern
from shared.errors import InvalidInputError
from shared.graph.pattern_rates import Step
from shared.graph.patterns import Evidence
from shared.messages import PatternType
from shared.postgres.api_keys import ApiKey
from shared.postgres.reviews import Review, Verdict

PAGE: Final = Page(
    name="patterns",
    title="Patterns",
    question="What is changing, on what evidence?",
    key="p",
)
router = APIRouter(route_class=PageRoute)
WEEKS: Final = 12
SHOWN: Final = 20
QUOTES: Final = 2
TYPES: Final[tuple[str, ...]] = get_args(PatternType)
REVIEWS: Final = (
    ("", "All but dismissed"),
    ("open", "Not reviewed"),
    ("confirmed", "Confirmed"),
    ("dismissed", "Dismissed"),
    ("all", "All"),
)
SURE: Final = (
    ("", "Any"),
    ("0.3", "30 % or more"),
    ("0.5", "50 % or more"),
    ("0.8", "80 % or more"),
)
ORDERS: Final = (("", "The surest first"), ("updated", "The newest first"))
FIELDS: Final = ("type", "project", "text", "review", "minConfidence", "order", "since", "until")


@router.get(PAGE.path)
async def get_patterns(request: Request, caller: Reader, parts: WithParts) -> Response:
    """Show rates by week, then the patterns that the address asks for."""
    asked = read_address(request)
    wanted = read_filter(asked)
    period = await read_period(parts, caller, WEEKS, wanted.project)
    rates, rows = await asyncio.gather(
        read_rates(parts, caller, period, types=wanted.type),
        read_rows(parts, caller, asked, period.activity.reviews),
    )
    return render(
        request,
        "patterns/index.html",
        **rows,
        choices={"types": TYPES, "reviews": REVIEWS, "sure": SURE, "orders": ORDERS},
        rates=[
            describe_rates(kind, of_type, [step for step in rates.steps if step.type == kind])
            for kind, of_type in rates.by_type.items()
        ],
        weeks=rates.weeks,
    )


@router.get(f"{PAGE.path}/rows")
async def get_rows(request: Request, caller: Reader, parts: WithParts) -> Response:
    """Show the patterns anew, after somebody said something of one."""

    async def make() -> Response:
        rows = await read_rows(parts, caller, read_address(request))
        return render(request, "patterns/_rows.html", **rows)

    return await share(request, caller, ["patterns"], make)


async def read_rows(
    parts: ApiParts,
    caller: ApiKey,
    asked: Mapping[str, str],
    reviews: Mapping[str, Review] | None = None,
) -> dict[str, Any]:
    """Return the patterns that an address asks for, as the templates take them."""
    wanted = read_filter(asked)
    found = await read_page(
        parts,
        caller,
        wanted.wanted(),
        review=wanted.review,
        order=wanted.order,
        limit=SHOWN,
        evidence=QUOTES,
        after=wanted.place(),
        reviews=reviews,
    )
    given = {name: value for name, value in asked.items() if value}
    after = given.pop("after", "")
    following = write_place(found.patterns[-1]) if found.has_more else None
    return {
        "asked": asked,
        "found": found.patterns,
        "reviews": found.reviews,
        "link_to": link_to,
        "rows_url": f"{PAGE.path}/rows?{urlencode(given | {'after': after})}",
        "older": following and f"{PAGE.path}?{urlencode(given | {'after': following})}",
        "newest": f"{PAGE.path}?{urlencode(given)}" if after else None,
    }


def read_address(request: Request) -> dict[str, str]:
    """Return the names that the page's address may have, empty where it has not."""
    return {name: request.query_params.get(name, "") for name in (*FIELDS, "after")}


@router.get(f"{PAGE.path}/{{pattern_id}}")
async def get_pattern(
    pattern_id: UUID, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show why something is a pattern, with everything it was found in."""
    found = await read_pattern(parts, caller, pattern_id)
    facts = {name: fact for name, fact in found.pattern.metadata.items() if name != "reason"}
    return render(
        request,
        "patterns/pattern.html",
        pattern=found.pattern,
        review=found.review,
        related=found.related,
        facts=facts,
        sessions=by_session(found.pattern.evidence),
        link_to=link_to,
    )


@router.post(f"{PAGE.path}/{{pattern_id}}/review")
async def post_review(
    pattern_id: UUID,
    caller: Operator,
    parts: WithParts,
    verdict: Annotated[Verdict | None, Form()] = None,
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Note what somebody says of a pattern, and show it again."""
    await review_pattern(parts, caller, pattern_id, verdict, note.strip() or None)
    return RedirectResponse(f"{PAGE.path}/{pattern_id}", 303)


def read_filter(asked: Mapping[str, str]) -> PatternFilter:
    """Return what the address asks for.

    Raises:
        InvalidInputError: names the first value that is none of those a form offers.
    """
    given = {name: value for name, value in asked.items() if value}
    try:
        return PatternFilter.model_validate(
            {**given, "type": [given["type"]]} if "type" in given else given
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInputError(str(first["loc"][0]), str(first["msg"])) from error


def describe_rates(kind: str, rates: Sequence[Rate], steps: Sequence[Step]) -> dict[str, object]:
    """Return one type's weeks as the page shows them; the last week may still go on."""
    whole = [rate for rate in rates[:-1] if rate.memories]
    last, before = (whole[-1] if whole else None), whole[:-1]
    usual = [rate.share for rate in before if rate.share is not None]
    return {
        "type": kind,
        "weeks": rates,
        "drawing": draw_rates(rates, [monday_of(step.at) for step in steps]),
        "steps": steps,
        "last": last,
        "usual": sum(usual) / len(usual) if usual else None,
        "patterns": sum(rate.patterns for rate in rates),
    }


def by_session(evidence: Sequence[Evidence]) -> list[tuple[str | None, list[Evidence]]]:
    """Return the evidence by session, in the order of the first of each."""
    found: dict[str | None, list[Evidence]] = {}
    for one in evidence:
        found.setdefault(one.session_id, []).append(one)
    return list(found.items())


def link_to(evidence: Evidence) -> str:
    """Return the page of a memory or file."""
    kind = "memory" if evidence.kind == "Memory" else "code"
    return f"{ROOT}/search/{kind}/{quote(evidence.id, safe='')}"
