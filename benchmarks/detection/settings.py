"""How much is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.detection.world import World

SIZES: Final = (10_000, 100_000)
MILLION: Final = 1_000_000
MOST_GROWTH: Final = 2.0
"""Of the time of one run, from the smallest graph to the largest."""
MOST_SECONDS: Final = 5.0
MOST_GROWTH_OF_HITS: Final = 1.5
"""Of the rows that the server touches: an exact figure that no busy machine can blur."""
MOST_GROWTH_OF_PEAK: Final = 1.15


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which graphs, and how often."""

    spread: tuple[int, ...] = SIZES
    dense: tuple[int, ...] = SIZES
    warm_ups: int = 3
    rounds: int = 7
    profiled: int = 3
    old_seconds: float = 30.0
    """How long the old way may search, in each graph."""

    def worlds(self) -> dict[str, list[World]]:
        """Return the workspaces that grow by age and projects, and those that only fill up."""
        return {
            "spread": [World(size) for size in self.spread],
            "dense": [World(size, is_dense=True) for size in self.dense],
        }


def chosen(*, is_quick: bool, with_million: bool) -> Sizes:
    """Return the sizes that the command line asks for."""
    if is_quick:
        quick = (1_000, 10_000)
        return Sizes(quick, quick, warm_ups=1, rounds=3, profiled=1, old_seconds=5.0)
    return Sizes(spread=(*SIZES, MILLION)) if with_million else Sizes()
