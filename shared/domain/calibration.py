"""Translates the domain's cosine thresholds to the scale of another embedder. Pure.

The thresholds 0.65, 0.7 and 0.8 were set for OpenAI's 3072-dimension model. On another model the
same number means something else, so each embedder names the cosines that are as hard to reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pairs (cosine on the reference model, equivalent cosine here), both rising."""

    points: tuple[tuple[float, float], ...] = ()

    def cosine(self, reference: float) -> float:
        """Return the equivalent of a reference cosine, interpolated between the points.

        Without points the scales are the same.
        """
        points = [(-1.0, -1.0), *self.points, (1.0, 1.0)]
        for (low, low_here), (high, high_here) in pairwise(points):
            if low <= reference <= high:
                share = (reference - low) / (high - low)
                return low_here + share * (high_here - low_here)
        raise ValueError(f"a cosine is -1.0 to 1.0, got {reference}")
