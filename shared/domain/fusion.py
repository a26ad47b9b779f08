"""Puts results of several searches into one order: reciprocal rank fusion. Pure.

Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009; k = 60 is theirs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

K: Final = 60
Key = TypeVar("Key", bound=Hashable)


def ranks_of(keys: Iterable[Key]) -> dict[Key, int]:
    """Return the rank of each key, from 1; the first place of a key counts."""
    return {key: rank for rank, key in enumerate(dict.fromkeys(keys), 1)}


def fuse(ranked: Sequence[tuple[float, Mapping[Key, int]]]) -> dict[Key, float]:
    """Return the score of each key: the sum of weight / (60 + rank) over the lists that have it."""
    scores: dict[Key, float] = {}
    for weight, ranks in ranked:
        for key, rank in ranks.items():
            scores[key] = scores.get(key, 0.0) + weight / (K + rank)
    return scores
