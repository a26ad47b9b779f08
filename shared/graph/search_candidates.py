"""Finds what a search may return: by words, by meaning, and what is tied to the best of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from neo4j import AsyncManagedTransaction

from shared.domain.search_query import SearchQuery
from shared.graph.entity_words import Filters, Kind, find_all_query, find_words_query
from shared.graph.search_statements import FIND_TIED, LIMITS, LINKS, find_query
from shared.graph.statements import Row, is_there, read_collected

READ_OF_NODES: Final = ("id", "kind", "similarity")
"""What a row lacks some of where its node was removed while it was read."""

Key = tuple[Kind, str]
"""What a result is, and its id."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that one of the searches found."""

    key: Key
    similarity: float
    """Cosine to the query, computed from the whole vectors."""
    score: float | None = None
    """Of the full-text index."""


@dataclass(frozen=True, slots=True)
class Tie:
    """How something is tied to one of the best results."""

    candidate: Candidate
    seed: Key
    name: str
    through: str | None
    """The pattern's id, where a pattern ties them."""


def parameters_of(filters: Filters) -> Row:
    """Return the filters as the statements name them."""
    return {
        "kind": filters.kind,
        "project_name": filters.project_name,
        "session_id": filters.session_id,
        "language": filters.language,
        "user_id": filters.user_id,
        "since": filters.since,
        "until": filters.until,
    }


async def find_candidates(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    query: SearchQuery,
    vector: Sequence[float],
    filters: Filters,
) -> tuple[list[Candidate], list[Candidate]]:
    """Return what has the query's words and what means nearly the same, each best first."""
    words = find_words_query(workspace_id, query, filters)
    given = {"words": words, "filters": find_all_query(workspace_id, filters), **LIMITS}
    statement = find_query(query, filters, has_words=words is not None)
    asked = await tx.run(statement, _parameters(workspace_id, vector, filters, given))
    record = await asked.single(strict=True)
    by_words = [_candidate(row) for row in _whole(record["by_words"])]
    if query.phrases:
        return by_words, sorted(by_words, key=lambda one: (-one.similarity, one.key))
    return by_words, [_candidate(row) for row in _whole(record["nearest"])]


async def find_tied(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    seeds: Iterable[Key],
    vector: Sequence[float],
    filters: Filters,
) -> list[Tie]:
    """Return the neighbours of the best results, in no order."""
    given = {"seeds": [{"kind": kind, "id": key} for kind, key in seeds], "links": LINKS}
    rows = await read_collected(tx, FIND_TIED, _parameters(workspace_id, vector, filters, given))
    return [
        Tie(_candidate(row), (row["seed_kind"], row["seed_id"]), row["tie"], row["through"])
        for row in _whole(rows)
    ]


def _parameters(workspace_id: str, vector: Sequence[float], filters: Filters, given: Row) -> Row:
    return {
        **parameters_of(filters),
        "workspace_id": workspace_id,
        "vector": list(vector),
        **given,
    }


def _whole(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if all(is_there(row, name) for name in READ_OF_NODES)]


def _candidate(row: Row) -> Candidate:
    return Candidate((row["kind"], row["id"]), min(row["similarity"], 1.0), row.get("score"))
