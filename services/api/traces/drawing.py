"""Where things stand in the picture of a trace, in thousandths of its width. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from shared.traces.tree import Branch, Tree, walk

WIDTH: Final = 1000.0
NARROWEST: Final = 3.0
"""So that a step of microseconds can be seen."""
BINS: Final = 250
LANE_HEIGHT: Final = 7
TICKS: Final = 5
COLOURS: Final = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A span's place."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """When a service was at work, as one path of the minimap."""

    service: str
    y: int
    path: str


def place(branch: Branch, tree: Tree) -> Bar:
    """Return where a span is drawn."""
    width = max(NARROWEST, branch.span.duration_ms / tree.duration * WIDTH)
    x = min(branch.start / tree.duration * WIDTH, WIDTH - NARROWEST)
    return Bar(round(x, 2), round(min(width, WIDTH - x), 2))


def ticks(tree: Tree) -> list[float]:
    """Return the milliseconds at which the axis is labelled."""
    return [tree.duration * number / (TICKS - 1) for number in range(TICKS)]


def list_services(tree: Tree) -> list[str]:
    """Return the services in the order in which they began: a service's colour is its number."""
    return list(dict.fromkeys(branch.span.service for branch in walk(tree.roots)))


def lanes(tree: Tree) -> list[Lane]:
    """Return one lane a service, from few enough bins to be cheap for any number of spans."""
    busy: defaultdict[str, set[int]] = defaultdict(set)
    for branch in walk(tree.roots):
        if branch.span.is_wait:
            continue
        first = int(branch.start / tree.duration * BINS)
        last = int(min(branch.end, tree.duration) / tree.duration * BINS)
        busy[branch.span.service].update(range(min(first, BINS - 1), min(last, BINS - 1) + 1))
    return [
        Lane(service, index * LANE_HEIGHT, _path(busy[service], index * LANE_HEIGHT))
        for index, service in enumerate(list_services(tree))
    ]


def _path(bins: set[int], y: int) -> str:
    size, height = WIDTH / BINS, LANE_HEIGHT - 2
    return " ".join(
        f"M{one * size:.0f},{y}h{size:.0f}v{height}h-{size:.0f}Z" for one in sorted(bins)
    )
