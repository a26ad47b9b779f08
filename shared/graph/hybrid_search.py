"""Search by meaning, by words and by the graph at once, in one workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from neo4j import AsyncManagedTransaction

from shared.domain.fusion import fuse, ranks_of
from shared.domain.search_query import SearchQuery
from shared.graph.entity_words import Filters
from shared.graph.search_candidates import Candidate, Key, Tie, find_candidates, find_tied

HEAD: Final = 100
"""What reciprocal rank fusion lets through; it is ranked anew, the rest is not returned."""
SEEDS: Final = 5
"""The best results, whose neighbours are looked at."""
MEANING_WEIGHT: Final = 0.2
GRAPH_WEIGHT: Final = 0.3
"""What meaning and a tie to a good result count in the end, where words count 1.

Measured: benchmarks/search. Ranks alone lose what the scores tell: a result that has all the words
and one that has the commonest lie next to each other.
"""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One result and why it is one; a rank of None: not found that way."""

    key: Key
    score: float
    """Comparable inside one search only."""
    fused: float
    """Sum of 1 / (60 + rank) over the searches that found it."""
    similarity: float
    vector_rank: int | None = None
    words_rank: int | None = None
    words_score: float | None = None
    graph_rank: int | None = None
    ties: tuple[Tie, ...] = ()


async def search(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    query: SearchQuery,
    vector: Sequence[float],
    filters: Filters,
) -> list[Ranked]:
    """Return what fits the query, best first, at most `HEAD` results."""
    by_words, nearest = await find_candidates(tx, workspace_id, query, vector, filters)
    found = _weigh(by_words, nearest, {})
    seeds = {key: found[key] for key in _best(found, SEEDS)}
    ties = await find_tied(tx, workspace_id, seeds, vector, filters) if seeds else []
    if query.phrases:
        ties = [tie for tie in ties if tie.candidate.key in found]
    return rank(by_words, nearest, ties, seeds)


def rank(
    by_words: Sequence[Candidate],
    nearest: Sequence[Candidate],
    ties: Sequence[Tie],
    seeds: Mapping[Key, float],
) -> list[Ranked]:
    """Return what was found in its final order.

    Ranks of three searches are fused; the head is ranked anew by the index's score of the words,
    the exact cosine, and the score of the best seed that it is tied to.
    """
    tied = _by_key(ties)
    graph = {key: max(seeds[tie.seed] for tie in own) for key, own in tied.items()}
    candidates = {one.key: one for one in [*(own[0].candidate for own in tied.values()), *nearest]}
    candidates |= {one.key: one for one in by_words}
    ranks = Ranks(
        ranks_of(one.key for one in nearest),
        ranks_of(one.key for one in by_words),
        ranks_of(_best(graph, len(graph))),
    )
    fused = fuse([(1.0, ranks.meaning), (1.0, ranks.words), (GRAPH_WEIGHT, ranks.graph)])
    head = [candidates[key] for key in _best(fused, HEAD)]
    # A seed counts as its own neighbour: what is tied to it does not overtake it by that alone.
    near = {key: max(graph.get(key, 0.0), seeds.get(key, 0.0)) for key in graph | dict(seeds)}
    scores = _weigh([one for one in head if one.score], head, near)
    results = [
        Ranked(
            one.key,
            scores[one.key],
            fused[one.key],
            one.similarity,
            ranks.meaning.get(one.key),
            ranks.words.get(one.key),
            one.score,
            ranks.graph.get(one.key),
            tuple(tied.get(one.key, ())),
        )
        for one in head
    ]
    return sorted(results, key=lambda one: (-one.score, one.key))


@dataclass(frozen=True, slots=True)
class Ranks:
    """The places that three searches gave."""

    meaning: dict[Key, int]
    words: dict[Key, int]
    graph: dict[Key, int]


def _weigh(
    by_words: Sequence[Candidate], compared: Iterable[Candidate], graph: Mapping[Key, float]
) -> dict[Key, float]:
    """Return the score of everything: each part from 0 to 1, times its weight."""
    words = {one.key: one.score or 0.0 for one in by_words}
    cosines = {one.key: one.similarity for one in [*compared, *by_words]}
    most = max(words.values(), default=1.0) or 1.0
    low, high = min(cosines.values(), default=0.0), max(cosines.values(), default=0.0)
    return {
        key: words.get(key, 0.0) / most
        + MEANING_WEIGHT * ((cosine - low) / (high - low) if high > low else 1.0)
        + GRAPH_WEIGHT * graph.get(key, 0.0)
        for key, cosine in cosines.items()
    }


def _best(scores: Mapping[Key, float], most: int) -> list[Key]:
    return sorted(scores, key=lambda key: (-scores[key], key))[:most]


def _by_key(ties: Iterable[Tie]) -> dict[Key, list[Tie]]:
    found: dict[Key, list[Tie]] = {}
    for tie in ties:
        found.setdefault(tie.candidate.key, []).append(tie)
    return found
