"""What a node of the graph is tied to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Path, Query

from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.describing_problems import problems
from services.api.examples import MEMORY_ID
from services.api.graph_answers import NeighbourFound, NeighbourhoodFound, NodeFound, TieCount
from services.api.parts import WithParts
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError, NotFoundError
from shared.graph.neighbourhood import MOST_NEIGHBOURS, Neighbourhood, find_neighbourhood
from shared.graph.ties import EDGES, Edge, NodeKind
from shared.messages import Moment
from shared.runtime import Parts

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["graph"])
ERRORS: Final = problems(HTTPStatus.NOT_FOUND)
MOST_ID_CHARACTERS: Final = 1_024


@router.get("/api/graph/{kind}/{node_id:path}", responses=ERRORS)
async def get_neighbourhood(
    kind: NodeKind,
    node_id: Annotated[
        str,
        Path(
            min_length=1,
            max_length=MOST_ID_CHARACTERS,
            description="an id; of a project its name, of a session what its memories call it",
            examples=[MEMORY_ID],
        ),
    ],
    caller: Reader,
    parts: WithParts,
    edge: Annotated[list[Edge] | None, Query(description="only these ties; all by default")] = None,
    since: Annotated[Moment | None, Query(description="neighbours from here on")] = None,
    until: Annotated[Moment | None, Query(description="neighbours before this")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_NEIGHBOURS)] = MOST_NEIGHBOURS,
) -> NeighbourhoodFound:
    """Return a node with its neighbours: at most 50, of each kind of tie the newest."""
    return await show_neighbourhood(
        parts.shared, caller.workspace_id, kind, node_id, edge, since, until, limit
    )


async def show_neighbourhood(
    parts: Parts,
    workspace_id: str,
    kind: NodeKind,
    node_id: str,
    edges: list[Edge] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = MOST_NEIGHBOURS,
) -> NeighbourhoodFound:
    """Return the neighbourhood of a node of the workspace.

    Raises:
        InvalidInputError: a kind of node has no such tie, or the time is none.
        NotFoundError: there is no such node.
    """
    if since and until and until <= since:
        raise InvalidInputError("until", "must be later than since")
    for edge in edges or ():
        if edge not in EDGES[kind]:
            raise InvalidInputError("edge", f"a {kind} has {', '.join(EDGES[kind])}; not {edge}")
    found = await find_neighbourhood(
        parts.driver,
        workspace_id,
        kind,
        check_text(node_id, "id"),
        edges=edges or get_args(Edge),
        since=since,
        until=until,
        limit=limit,
    )
    if found is None:
        raise NotFoundError(f"no such {kind} in this workspace's graph")
    return _describe(found)


def _describe(found: Neighbourhood) -> NeighbourhoodFound:
    return NeighbourhoodFound(
        centre=NodeFound.model_validate(asdict(found.centre)),
        neighbours=[NeighbourFound.model_validate(asdict(one)) for one in found.neighbours],
        counts=[
            TieCount(
                edge=edge,
                total=count.total,
                more=count.total - count.shown,
                is_at_least=count.is_at_least,
            )
            for edge, count in found.counts.items()
        ],
    )
