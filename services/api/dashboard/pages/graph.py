"""What connects to this? Begins with a search; shows one node and what is one step away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.api.auth import Reader
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.search_views import (
    describe_hit,
    describe_neighbourhood,
    read_day,
)
from services.api.graph import show_neighbourhood
from services.api.graph_answers import NeighbourhoodFound
from services.api.parts import ApiParts, WithParts
from services.api.searching import Wanted, run_search
from shared.domain.edge_words import EDGE_WORDS
from shared.domain.search_query import MOST_CHARACTERS
from shared.graph.entity_words import Filters
from shared.graph.ties import EDGES, Edge, NodeKind
from shared.postgres.api_keys import ApiKey

PAGE = Page("graph", "Graph", "What connects to this?", "g")
router = APIRouter(route_class=PageRoute)
LIST: Final = PAGE.path
Day = Annotated[str, Query(max_length=20)]


@router.get(LIST)
async def get_start(
    request: Request,
    caller: Reader,
    parts: WithParts,
    q: Annotated[str, Query(max_length=MOST_CHARACTERS)] = "",
) -> Response:
    """Show where to begin: a search, never everything."""
    if not q.strip():
        return render(request, "graph/index.html", q=q, hits=None)
    found = await run_search(parts, caller, Wanted(q, Filters()))
    return render(request, "graph/index.html", q=q, hits=[describe_hit(h) for h in found.results])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says."""

    kind: NodeKind
    node_id: str
    edges: list[Edge]
    since: str
    until: str

    async def find(self, parts: ApiParts, caller: ApiKey) -> NeighbourhoodFound:
        """Return the neighbourhood.

        Raises:
            InvalidInputError, NotFoundError
        """
        return await show_neighbourhood(
            parts.shared,
            caller.workspace_id,
            self.kind,
            self.node_id,
            self.edges or None,
            read_day(self.since, "since"),
            read_day(self.until, "until", is_end=True),
        )


def read_asked(
    kind: NodeKind,
    node_id: str,
    edge: Annotated[list[Edge] | None, Query()] = None,
    since: Day = "",
    until: Day = "",
) -> Asked:
    """Return what the address says."""
    return Asked(kind, node_id, edge or [], since, until)


WithAsked = Annotated[Asked, Depends(read_asked)]


@router.get(f"{LIST}/data/{{kind}}/{{node_id:path}}")
async def get_data(caller: Reader, parts: WithParts, asked: WithAsked) -> NeighbourhoodFound:
    """Return what the picture shows."""
    return await asked.find(parts, caller)


@router.get(f"{LIST}/{{kind}}/{{node_id:path}}")
async def get_node(
    request: Request, caller: Reader, parts: WithParts, asked: WithAsked
) -> Response:
    """Show one node with its neighbours, as a picture and as a table."""
    found = await asked.find(parts, caller)
    own = EDGES[asked.kind]
    return render(
        request,
        "graph/node.html",
        **describe_neighbourhood(found),
        asked=asked,
        edges=[(name, EDGE_WORDS[name]) for name in own],
        chosen=asked.edges or list(own),
        words=EDGE_WORDS,
    )
