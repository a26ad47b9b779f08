"""Small drawings as numbers for SVG; the templates hold the markup. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100.0
HEIGHT: Final = 24.0
MARGIN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line over time; gaps in the data are gaps in the line."""

    path: str
    area: str
    last: float | None
    peak: float | None
    width: float = WIDTH
    height: float = HEIGHT


def sparkline(values: Sequence[float | None]) -> Sparkline:
    """Return the line through the values, oldest first; the lowest point is always zero."""
    known = [value for value in values if value is not None]
    peak = max(known, default=0.0) or 1.0
    step = WIDTH / max(len(values) - 1, 1)
    runs = _runs(values, step, peak)
    path = " ".join("M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs)
    area = " ".join(_closed(run) for run in runs)
    last = next((value for value in reversed(values) if value is not None), None)
    return Sparkline(path, area, last, max(known, default=None))


def _runs(
    values: Sequence[float | None], step: float, peak: float
) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        y = HEIGHT - MARGIN - value / peak * (HEIGHT - 2 * MARGIN)
        runs[-1].append((index * step, y))
    return [run if len(run) > 1 else [*run, (run[0][0] + 0.1, run[0][1])] for run in runs if run]


def _closed(run: Sequence[tuple[float, float]]) -> str:
    points = " L".join(f"{x:.1f},{y:.1f}" for x, y in run)
    return f"M{run[0][0]:.1f},{HEIGHT:.1f} L{points} L{run[-1][0]:.1f},{HEIGHT:.1f} Z"
