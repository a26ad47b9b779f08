"""Reads patterns with what people said of them; the API and the pages read them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from uuid import UUID

from services.api.parts import ApiParts
from shared.errors import NotFoundError
from shared.graph.patterns import After, Pattern, Related, Wanted, find_pattern, page_patterns
from shared.postgres.api_keys import ApiKey
from shared.postgres.reviews import Review, list_reviews

ReviewFilter: TypeAlias = Literal["confirmed", "dismissed", "open", "all"]
Order: TypeAlias = Literal["confidence", "updated"]


@dataclass(frozen=True, slots=True)
class ReviewedPage:
    """Patterns and what was said of them, by their ids."""

    patterns: Sequence[Pattern]
    reviews: Mapping[str, Review]
    has_more: bool


@dataclass(frozen=True, slots=True)
class ReviewedPattern:
    """One pattern, what was said of it, and what stands on the same evidence."""

    pattern: Pattern
    review: Review | None
    related: Sequence[Related]


async def read_page(
    parts: ApiParts,
    caller: ApiKey,
    wanted: Wanted,
    *,
    review: ReviewFilter | None = None,
    order: Order = "confidence",
    limit: int,
    evidence: int,
    after: After | None = None,
    reviews: Mapping[str, Review] | None = None,
) -> ReviewedPage:
    """Return a page of patterns; without a filter by review, those that nobody dismissed.

    Reviews that were read already are not read again.
    """
    if reviews is None:
        reviews = await read_reviews(parts, caller)
    found = await page_patterns(
        parts.shared.driver,
        caller.workspace_id,
        narrow(wanted, reviews, review),
        limit=limit + 1,
        evidence=evidence,
        newest_first=order == "updated",
        after=after,
    )
    return ReviewedPage(found[:limit], reviews, has_more=len(found) > limit)


async def read_pattern(parts: ApiParts, caller: ApiKey, pattern_id: UUID) -> ReviewedPattern:
    """Return one pattern of the caller's workspace.

    Raises:
        NotFoundError: it has none with this id; detection may have found it gone.
    """
    found = await find_pattern(parts.shared.driver, caller.workspace_id, str(pattern_id))
    if found is None:
        raise NotFoundError("no such pattern; what it was found in may have changed")
    reviews = await read_reviews(parts, caller)
    return ReviewedPattern(found[0], reviews.get(str(pattern_id)), found[1])


async def read_reviews(parts: ApiParts, caller: ApiKey) -> dict[str, Review]:
    """Return what was said of the patterns of the caller's workspace, by their ids."""
    async with parts.reading(caller) as conn:
        return await list_reviews(conn, caller.workspace_id)


def narrow(wanted: Wanted, reviews: Mapping[str, Review], review: ReviewFilter | None) -> Wanted:
    """Return what is wanted, narrowed by what was said."""
    said = {
        verdict: [key for key, one in reviews.items() if one.verdict == verdict]
        for verdict in ("confirmed", "dismissed")
    }
    match review:
        case "confirmed" | "dismissed":
            return replace(wanted, only=said[review])
        case "open":
            return replace(wanted, without=list(reviews))
        case "all":
            return wanted
        case None:
            return replace(wanted, without=said["dismissed"])
