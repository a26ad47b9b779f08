"""What one node of the graph is tied to, one step away, however many neighbours it has.

Each kind of tie is read by an index or from the node, up to `MOST_READ` neighbours, the newest of
which are returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.fair_shares import fair_shares
from shared.graph.driver import read
from shared.graph.statements import Row
from shared.graph.ties import EDGES, NEIGHBOURHOODS, Edge, NodeKind

MOST_NEIGHBOURS: Final = 50
MOST_READ: Final = 10_000
"""Neighbours by one kind of tie that are read; of more it is said that there are more."""
EXCERPT_CHARACTERS: Final = 240


@dataclass(frozen=True, slots=True)
class Node:
    """One node, without most of its text."""

    kind: NodeKind
    id: str
    title: str
    excerpt: str
    project_name: str | None
    session_id: str | None
    confidence: float | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node that is tied to the centre."""

    edge: Edge
    node: Node
    methods: list[str]
    """How a reference was found: tool_path, name_match, similarity."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many neighbours one kind of tie has in the time that was asked for."""

    total: int
    shown: int
    is_at_least: bool
    """There are more than were read."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A node and what is one step away."""

    centre: Node
    neighbours: list[Neighbour]
    counts: dict[Edge, Count] = field(default_factory=dict[Edge, Count])


async def find_neighbourhood(
    driver: AsyncDriver,
    workspace_id: str,
    kind: NodeKind,
    node_id: str,
    *,
    edges: Collection[Edge] = get_args(Edge),
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = MOST_NEIGHBOURS,
) -> Neighbourhood | None:
    """Return a node with at most `limit` neighbours: of each tie the newest, all ties alike.

    Raises:
        DependencyDownError: Neo4j does not answer.
        TooSlowError: it was not done in time.
    """
    values: dict[str, Any] = {
        "workspace_id": workspace_id,
        "id": node_id,
        "edges": list(edges),
        "since": since,
        "until": until,
        "limit": limit,
        "most": MOST_READ + 1,
        "characters": EXCERPT_CHARACTERS,
    }

    async def work(tx: AsyncManagedTransaction) -> Row | None:
        row = await (await tx.run(NEIGHBOURHOODS[kind], values)).single()
        return row.data() if row else None

    answer = await read(driver, work)
    if answer is None:
        return None
    ties: dict[Edge, Row] = {tie["edge"]: tie for tie in answer["ties"]}
    found: dict[Edge, Row] = {edge: ties[edge] for edge in EDGES[kind] if edge in edges}
    return _assemble(answer["node"], found, limit)


def _assemble(centre: Row, found: Mapping[Edge, Row], limit: int) -> Neighbourhood:
    shares = fair_shares({edge: len(row["shown"]) for edge, row in found.items()}, limit)
    neighbours = [
        Neighbour(edge, _node(one["node"]), one["methods"])
        for edge, row in found.items()
        for one in row["shown"][: shares[edge]]
    ]
    counts: dict[Edge, Count] = {
        edge: Count(row["total"], shares[edge], row["read"] > MOST_READ)
        for edge, row in found.items()
    }
    return Neighbourhood(_node(centre), neighbours, counts)


def _node(row: Row) -> Node:
    text, at = str(row["text"] or ""), row["at"]
    line = " ".join(text.split())
    return Node(
        kind=row["kind"],
        id=row["id"],
        title=line[:100] if row["kind"] == "memory" and line else str(row["name"]),
        excerpt=line,
        project_name=row["project_name"] or None,
        session_id=row["session_id"],
        confidence=row["confidence"],
        at=at and at.to_native(),
    )
