"""Have we seen this? Results with their reasons, and one memory or file with all that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.api.auth import Reader
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.search_views import describe_entity, describe_hit, read_day
from services.api.entities import get_entity
from services.api.parts import WithParts
from services.api.search_answers import Kind, SearchPage
from services.api.searching import Wanted, run_search
from shared.domain.search_query import MOST_CHARACTERS
from shared.errors import InvalidInputError
from shared.graph.entity_words import Filters

PAGE = Page("search", "Search", "Have we seen this?", "s")
router = APIRouter(route_class=PageRoute)
LIST: Final = PAGE.path
Words = Annotated[str, Query(max_length=MOST_CHARACTERS)]
Name = Annotated[str, Query(max_length=512)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says."""

    q: str
    kind: str
    project: str
    session: str
    language: str
    since: str
    until: str
    after: str

    def wanted(self) -> Wanted:
        """Return it as a search.

        Raises:
            InvalidInputError: names what is wrong.
        """
        filters = Filters(
            read_kind(self.kind),
            self.project or None,
            self.session or None,
            self.language or None,
            None,
            read_day(self.since, "since"),
            read_day(self.until, "until", is_end=True),
        )
        return Wanted(self.q, filters, after=self.after or None)


def read_asked(  # one parameter a filter
    q: Words = "",
    kind: Annotated[str, Query(alias="type", max_length=10)] = "",
    project: Name = "",
    session: Name = "",
    language: Name = "",
    since: Name = "",
    until: Name = "",
    after: Name = "",
) -> Asked:
    """Return what the address says; an empty filter is none."""
    return Asked(q, kind, project, session, language, since, until, after)


WithAsked = Annotated[Asked, Depends(read_asked)]


@router.get(LIST)
async def get_search(
    request: Request, caller: Reader, parts: WithParts, asked: WithAsked
) -> Response:
    """Show what fits, best first."""
    if not asked.q.strip():
        return render(request, "search/index.html", chosen=asked, hits=None)
    found = await run_search(parts, caller, asked.wanted())
    hits = [describe_hit(hit) for hit in found.results]
    return render(request, "search/index.html", chosen=asked, hits=hits, found=found)


@router.get(f"{LIST}/results.json")
async def get_json(caller: Reader, parts: WithParts, asked: WithAsked) -> SearchPage:
    """Return the page of results as the API does."""
    return await run_search(parts, caller, asked.wanted())


@router.get(f"{LIST}/{{kind}}/{{entity_id}}")
async def get_one(
    kind: Kind, entity_id: UUID, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show one memory or file whole."""
    entity = await get_entity(parts, caller, kind, str(entity_id))
    return render(request, "search/entity.html", **describe_entity(entity))


def read_kind(text: str) -> Kind | None:
    """Return what was chosen; nothing is anything.

    Raises:
        InvalidInputError
    """
    if text not in ("", "memory", "code"):
        raise InvalidInputError("type", "is memory or code")
    return text or None
