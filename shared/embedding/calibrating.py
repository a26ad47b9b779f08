"""Measures an embedder's equivalents of the domain's cosine thresholds on real memories.

Two memories of different sessions that touched no common file count as unrelated; the equivalent of
a threshold is the cosine that only its share of such pairs exceeds. What share the domain's
reference model lets through is not published, so `RATES` is a decision: 0.65 finds neighbours
loosely (2 in 100 unrelated pairs pass), 0.70 firmly (1 in 100), 0.80 near-repetition (1 in 1,000).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.embedding.protocol import Embedder
from shared.errors import InvalidInputError

RATES: Final = {0.65: 0.02, 0.70: 0.01, 0.80: 0.001}
FEWEST_PAIRS: Final = 2_000
"""Two of them make up the rarest rate; of fewer, one odd pair would decide."""
MOST_SAMPLES: Final = 2_000
"""Two million pairs say no less than more would."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is compared of one memory."""

    content: str
    session_id: str | None
    files: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Equivalents:
    """What a model's cosines mean."""

    model: str
    samples: int
    pairs: int
    """Of unrelated memories."""
    points: tuple[tuple[float, float], ...]
    """Pairs (cosine on the reference model, equivalent cosine here), both rising."""

    def setting(self) -> str:
        """Return the points as the setting `embedding_calibration` takes them."""
        return ",".join(f"{reference:.2f}={here:.3f}" for reference, here in self.points)


async def measure(embedder: Embedder, samples: Sequence[Sample]) -> Equivalents:
    """Return the equivalent of each reference threshold.

    Raises:
        InvalidInputError: the samples hold too few unrelated pairs.
        DependencyDownError: the model's server does not answer.
    """
    taken = _spread(samples)
    vectors = np.array(await embedder.embed([sample.content for sample in taken]))
    return await asyncio.to_thread(_compare, embedder.name, taken, vectors)


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    distinct = list(
        {sample.content: sample for sample in samples if sample.content.strip()}.values()
    )
    step = max(1, -(-len(distinct) // MOST_SAMPLES))
    return distinct[::step]


def _compare(model: str, samples: Sequence[Sample], vectors: NDArray[np.float64]) -> Equivalents:
    chosen = _unrelated(samples)
    pairs = int(chosen.sum())
    if pairs < FEWEST_PAIRS:
        raise InvalidInputError(
            "samples",
            f"{len(samples)} memories have {pairs} pairs of different sessions without a common "
            f"file; {FEWEST_PAIRS} are needed: give more sessions",
        )
    cosines = (vectors @ vectors.T)[chosen]
    points = tuple(
        (reference, round(float(np.quantile(cosines, 1 - rate)), 3))
        for reference, rate in RATES.items()
    )
    return Equivalents(model, len(samples), pairs, points)


def _unrelated(samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Return for each pair, once, whether it is of two sessions without a common file."""
    size = len(samples)
    sessions = np.array([sample.session_id or f"\0{n}" for n, sample in enumerate(samples)])
    chosen = np.triu(sessions[:, None] != sessions[None, :], k=1)
    touching: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        for file in sample.files:
            touching.setdefault(file, []).append(number)
    together = np.zeros((size, size), dtype=np.bool_)
    for numbers in touching.values():
        together[np.ix_(numbers, numbers)] = True
    return chosen & ~together
