"""Where the time of a trace went: the steps that held the whole up. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.traces.tree import Branch, Tree

WAITING: Final = "waiting in a queue"
BETWEEN: Final = "no step at work"
"""Between two steps: a request that joined one that waited already, or clocks that differ."""
LEAST_SHARE: Final = 0.001
SHORTEST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Piece:
    """A time in which one span alone held everything up."""

    branch: Branch
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What one kind of work took of the whole."""

    name: str
    is_wait: bool
    milliseconds: float
    share: float


def mark_critical_path(tree: Tree) -> list[Piece]:
    """Mark the branches on the path, and return its pieces.

    From the end backwards: of what had begun by then, what ended last held everything up.
    """
    pieces: list[Piece] = []
    waiting: list[tuple[Branch | None, float, float]] = [(None, 0.0, tree.duration)]
    while waiting:
        branch, start, until = waiting.pop()
        children = tree.roots if branch is None else branch.children
        if branch is not None and not children:  # most are leaves
            pieces.append(Piece(branch, start, min(until, branch.end)))
            continue
        for child, begin, end in _holding_up(children, start, until):
            if child is None and branch is not None:
                pieces.append(Piece(branch, begin, min(end, max(branch.end, begin))))
            elif child is not None:
                child.is_critical = True
                waiting.append((child, begin, end))
    return [piece for piece in pieces if piece.end - piece.start > SHORTEST]


def _holding_up(
    children: list[Branch], start: float, until: float
) -> Iterator[tuple[Branch | None, float, float]]:
    """Yield from the end backwards which child held up, or None for the parent itself."""
    for child in sorted(children, key=lambda child: -child.last_end):
        if until - start <= SHORTEST:
            return
        end = min(child.last_end, until)
        begin = max(child.start, start)
        if end - begin <= SHORTEST:
            continue
        if until - end > SHORTEST:
            yield None, end, until
        yield child, begin, end
        until = begin
    if until - start > SHORTEST:
        yield None, start, until


def add_up(pieces: list[Piece], duration: float, most: int = 6) -> list[Spent]:
    """Return what each kind of work took, the longest first; the rest is one entry."""
    took: defaultdict[tuple[str, bool], float] = defaultdict(float)
    for piece in pieces:
        took[_kind_of(piece.branch)] += piece.end - piece.start
    ordered = sorted(took.items(), key=lambda entry: -entry[1])
    shown = [Spent(name, wait, ms, ms / duration) for (name, wait), ms in ordered[:most]]
    rest = sum(ms for _, ms in ordered[most:])
    if rest > 0:
        shown.append(Spent("all other steps", False, rest, rest / duration))
    if (between := duration - sum(took.values())) > LEAST_SHARE * duration:
        shown.append(Spent(BETWEEN, True, between, between / duration))
    return shown


def _kind_of(branch: Branch) -> tuple[str, bool]:
    if branch.span.is_wait:
        return WAITING, True
    return branch.span.name, False
