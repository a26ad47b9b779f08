"""How good search is: by meaning alone, by words alone, and by all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final, TypeAlias

from neo4j import AsyncDriver

from benchmarks.figures import Results
from benchmarks.links.graph import forget
from benchmarks.search.questions import Question, QuestionSet
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import measure
from shared.domain.search_query import read_query
from shared.embedding import Embedder
from shared.graph.driver import read
from shared.graph.entity_words import Filters
from shared.graph.hybrid_search import search
from shared.graph.search_candidates import Key, find_candidates

BATCH: Final = 200
DEPTH: Final = 10
TOLERANCE: Final = 0.01
"""Two hundredths of a question in two hundred: less is chance."""

Answers: TypeAlias = dict[str, list[Key]]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the questions of a set."""

    mrr: float
    """1 / the place of the first right answer."""
    recall: float
    """The share of the right answers, at most ten, that are among the first ten."""


async def measure_quality(
    driver: AsyncDriver, embedder: Embedder, one: QuestionSet
) -> dict[str, Quality]:
    """Return the figures of each way to search; the graph is left as it was."""
    try:
        for start in range(0, len(one.entities), BATCH):
            batch = await measure(one.entities[start : start + BATCH], embedder)
            await write_batch(driver, batch)
        answers = [await _answer(driver, embedder, one, question) for question in one.questions]
    finally:
        await forget(driver, one.workspace_id)
    return {way: _judge(one.questions, [found[way] for found in answers]) for way in answers[0]}


async def _answer(
    driver: AsyncDriver, embedder: Embedder, one: QuestionSet, question: Question
) -> Answers:
    query, filters = read_query(question.text), Filters(kind=one.kind)
    (vector,) = await embedder.embed([query.plain_text])
    asked = (one.workspace_id, query, vector, filters)
    by_words, nearest = await read(driver, lambda tx: find_candidates(tx, *asked))
    found = await read(driver, lambda tx: search(tx, *asked))
    return {
        "meaning": [candidate.key for candidate in nearest],
        "words": [candidate.key for candidate in by_words],
        "hybrid": [ranked.key for ranked in found],
    }


def _judge(questions: Sequence[Question], answers: Sequence[list[Key]]) -> Quality:
    lists = [
        [key for key in keys if key != question.own]
        for question, keys in zip(questions, answers, strict=True)
    ]
    pairs = list(zip(questions, lists, strict=True))
    return Quality(
        mean(_reciprocal_rank(question, keys) for question, keys in pairs),
        mean(
            len(question.right & set(keys[:DEPTH])) / min(DEPTH, len(question.right))
            for question, keys in pairs
        ),
    )


def _reciprocal_rank(question: Question, keys: list[Key]) -> float:
    return next((1 / place for place, key in enumerate(keys, 1) if key in question.right), 0.0)


def add_quality(results: Results, one: QuestionSet, found: dict[str, Quality]) -> None:
    """Note the figures; hybrid must be as good as the better of the two."""
    name = f"{one.name} ({len(one.questions)})"
    results.add(f"{name}, MRR", "", {way: [quality.mrr] for way, quality in found.items()})
    results.add(
        f"{name}, recall@{DEPTH}", "", {way: [quality.recall] for way, quality in found.items()}
    )
    best_mrr = max(found["meaning"].mrr, found["words"].mrr)
    results.at_least(name, "MRR − the better alone", found["hybrid"].mrr - best_mrr, -TOLERANCE)
    best = max(found["meaning"].recall, found["words"].recall)
    results.at_least(
        name, "recall@10 − the better alone", found["hybrid"].recall - best, -TOLERANCE
    )
