"""Imports labelled memories through the real measuring and the graph, and detects patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, LiteralString, get_args
from uuid import uuid4

from neo4j import AsyncDriver

from benchmarks.patterns_quality.corpora import (
    FOLDS,
    Half,
    LabelledMemory,
    fold_of,
    read_episodes,
    read_samples,
)
from benchmarks.patterns_quality.truth import ACTIVITIES, JudgedPattern, Share, judge_patterns
from cli.signals.labelled import Labelled, read_labelled
from cli.signals.training import train
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured, measure
from services.patterns.handlers import detect_patterns
from shared.domain.activity import Model
from shared.domain.findings import Signal, Summary
from shared.domain.signals import measure_signals
from shared.domain.sureness import is_sure
from shared.embedding import WordLlamaEmbedder
from shared.graph.memories import MeasuredMemory
from shared.messages import DetectPatterns

_FORGET: Final[LiteralString] = "MATCH (n {workspace_id: $workspace_id}) DETACH DELETE n"
_SIGNALS: Final[dict[str, Signal]] = {
    "debugging": "is_debugging",
    "learning": "is_learning",
    "refactoring": "is_refactoring",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one corpus."""

    name: str
    corpus: Sequence[LabelledMemory]
    patterns: Sequence[JudgedPattern]
    sure: dict[tuple[str, Half], Share]
    """Of each activity and half: the memories that may be evidence, and how many are true."""
    is_shipped: bool
    """Measured with the package's model."""
    is_complete: bool
    """Whole sessions, not single turns of them."""

    def sure_of_all(self, activity: str) -> Share:
        """Return the figure of both halves together."""
        parts = [self.sure[activity, half] for half in get_args(Half)]
        return Share(sum(part.true for part in parts), sum(part.of for part in parts))


async def measure_all(driver: AsyncDriver, shared: Path) -> list[Outcome]:
    """Return the samples and the episodes, each with the shipped model and with unseen ones.

    The shipped model was trained on the episodes. An unseen memory is measured by a model that was
    trained without its session: on the other four fifths of them.
    """
    trained = [_train_without(shared, fold) for fold in range(FOLDS)]
    found: list[Outcome] = []
    for name, read in (("samples", read_samples), ("episodes", read_episodes)):
        for models in (None, trained):
            workspace_id = f"team:{uuid4()}"
            kind = "unseen by the model" if models else "as shipped"
            corpus = read(shared, workspace_id)
            found.append(await _measure(driver, f"{name}, {kind}", corpus, models))
            await driver.execute_query(_FORGET, workspace_id=workspace_id)
    return found


async def _measure(
    driver: AsyncDriver,
    name: str,
    corpus: Sequence[LabelledMemory],
    models: Sequence[Model] | None,
) -> Outcome:
    embedder = WordLlamaEmbedder()
    measured = await measure([one.memory for one in corpus], embedder)
    memories = [_with_model(one, models) for one in measured.memories]
    await write_batch(driver, Measured(memories, []))
    workspace_id = corpus[0].memory.workspace_id
    request = DetectPatterns(workspace_id=workspace_id, limit=10_000)
    await detect_patterns(request, driver=driver, embedder=embedder)
    return Outcome(
        name,
        corpus,
        await judge_patterns(driver, workspace_id, corpus),
        {
            (activity, half): _sure(memories, corpus, activity, half)
            for activity in ACTIVITIES
            for half in get_args(Half)
        },
        is_shipped=models is None,
        is_complete=name.startswith("samples"),
    )


def _with_model(one: MeasuredMemory, models: Sequence[Model] | None) -> MeasuredMemory:
    if models is None:
        return one
    entity = one.entity
    model = models[fold_of(entity.session_id or "")]
    return replace(one, signals=measure_signals(entity.content, entity.metadata, model))


def _sure(
    memories: Sequence[MeasuredMemory],
    corpus: Sequence[LabelledMemory],
    activity: str,
    half: Half,
) -> Share:
    signal = _SIGNALS[activity]
    chosen = [
        activity in labelled.labels
        for one, labelled in zip(memories, corpus, strict=True)
        if labelled.half == half and _may_be_evidence(one, signal)
    ]
    return Share(sum(chosen), len(chosen))


def _may_be_evidence(one: MeasuredMemory, signal: Signal) -> bool:
    signals = one.signals.pattern_signals
    summary = Summary(str(one.entity.id), "", "", one.entity.occurred_at, signals)
    return summary.carries(signal) and is_sure(summary, signal)


@cache
def _train_without(shared: Path, fold: int) -> Model:
    everything = read_labelled(shared / "labelled")
    others = [e for e in everything.episodes if fold_of(e.session_id) != fold]
    return Model.of(train(Labelled(others, everything.commits)))
