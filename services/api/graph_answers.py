"""What is told of a node's neighbourhood, as OpenAPI shows it. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from services.api.answers import Answer
from services.api.examples import found as found_examples
from services.api.examples import shown
from shared.graph.ties import Edge, NodeKind


class NodeFound(Answer):
    """One node: plain text, of its content the beginning only."""

    kind: NodeKind
    id: str
    title: str
    excerpt: str
    project_name: str | None
    session_id: str | None
    confidence: float | None
    at: datetime | None


class NeighbourFound(Answer):
    """A node one step away, and the tie that leads to it."""

    edge: Edge
    node: NodeFound
    methods: list[str] = Field(
        description="how a reference was found: tool_path, name_match, similarity"
    )


class TieCount(Answer):
    """How many neighbours one kind of tie has; `more` of them are not in this answer."""

    edge: Edge
    total: int
    more: int
    is_at_least: bool = Field(description="there are more than were counted, 10,000")


class NeighbourhoodFound(Answer):
    """A node and what is one step away: the newest of each kind of tie."""

    model_config = shown(found_examples.NEIGHBOURHOOD)

    centre: NodeFound
    neighbours: list[NeighbourFound]
    counts: list[TieCount]
