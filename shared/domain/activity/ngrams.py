"""What the words of commit messages say: a linear model over hashed stems and pairs of them. Pure.

Commits are labelled by their own prefix (`fix:`, `refactor:`), so there are thousands of them; the
scores they teach are features of the model that is trained on a few hundred conversations.
"""

from __future__ import annotations

import base64
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

BITS: Final = 13
MOST: Final = 3.0
"""A score is cut here: no commit word may outvote what a conversation's tools did."""
_SUFFIXES: Final = ("ing", "ed", "es", "s")
_SHORTEST_STEM: Final = 3


@dataclass(frozen=True, slots=True)
class NgramTable:
    """One weight in -127 to 127 for each slot, times `scale`."""

    weights: array[int]
    scale: float
    bias: float

    @classmethod
    def unpack(cls, weights: str, scale: float, bias: float) -> NgramTable:
        """Return the table that the weight file holds as base64."""
        return cls(array("b", base64.b64decode(weights)), scale, bias)

    def score(self, vector: dict[int, float]) -> float:
        """Return the log-odds for a text, -3.0 to 3.0."""
        weights = self.weights
        total = sum(weights[slot] * value for slot, value in vector.items())
        return max(-MOST, min(MOST, total * self.scale + self.bias))


def hash_words(words: Sequence[str]) -> dict[int, float]:
    """Return a vector of length one: slot to weight; empty for no words."""
    stems = [stem_of(word) for word in words]
    counts = Counter(map(_slot, stems))
    counts.update(_slot(f"{one} {next_}") for one, next_ in pairwise(stems))
    values = {slot: 1.0 + math.log(count) for slot, count in counts.items()}
    length = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return {slot: value / length for slot, value in values.items()}


@lru_cache(maxsize=50_000)
def stem_of(word: str) -> str:
    """Return the word without its ending: `fixes`, `fixed` and `fixing` are one."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)].rstrip("e")
    return word.rstrip("e")


def _slot(gram: str) -> int:
    return crc32(gram.encode()) & ((1 << BITS) - 1)
