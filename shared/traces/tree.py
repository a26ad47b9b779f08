"""The spans of a trace as a tree, and what each branch of it adds up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.postgres.traces import Span


@dataclass(slots=True)
class Branch:
    """A span with what it caused, oldest first. Times are milliseconds since the trace began."""

    span: Span
    start: float
    end: float
    children: list[Branch] = field(default_factory=list["Branch"])
    parent: Branch | None = None
    last_end: float = 0.0
    """When the last of the branch ended: what it caused may outlive it."""
    size: int = 1
    failures: int = 0
    is_critical: bool = False

    @property
    def path(self) -> list[Branch]:
        """Return the branches from the root to this one."""
        found: list[Branch] = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Tree:
    """One trace."""

    roots: list[Branch]
    by_id: dict[str, Branch]
    began_at: datetime
    duration: float
    """Milliseconds; above 0."""


def build_tree(spans: Sequence[Span]) -> Tree:
    """Return the tree of at least one span; a span whose parent is not there is a root."""
    began_at = min(span.started_at for span in spans)
    by_id = {span.span_id: _branch(span, began_at) for span in spans}
    roots: list[Branch] = []
    for branch in by_id.values():
        parent = by_id.get(branch.span.parent_span_id or "")
        if parent is None or parent is branch:
            roots.append(branch)
        else:
            branch.parent = parent
            parent.children.append(branch)
    roots += _cut_circles(by_id.values(), roots)
    _add_up(roots)
    longest = max((root.last_end for root in roots), default=0.0)
    return Tree(sorted(roots, key=_by_start), by_id, began_at, max(longest, 0.001))


def walk(branches: Iterable[Branch]) -> Iterator[Branch]:
    """Yield every branch, parents first; without recursion, since a trace may be deep."""
    waiting = list(branches)[::-1]
    while waiting:
        branch = waiting.pop()
        yield branch
        waiting += branch.children[::-1]


def _branch(span: Span, began_at: datetime) -> Branch:
    start = (span.started_at - began_at).total_seconds() * 1000
    return Branch(span, start, start + span.duration_ms)


def _by_start(branch: Branch) -> tuple[float, str]:
    return branch.start, branch.span.span_id


def _cut_circles(branches: Iterable[Branch], roots: Sequence[Branch]) -> list[Branch]:
    # A span names its parent itself: two that name each other would be reached from no root.
    reached = {id(branch) for branch in walk(roots)}
    cut: list[Branch] = []
    for branch in branches:
        if id(branch) in reached:
            continue
        if branch.parent is not None:
            branch.parent.children.remove(branch)
            branch.parent = None
        cut.append(branch)
        reached |= {id(one) for one in walk([branch])}
    return cut


def _add_up(roots: Sequence[Branch]) -> None:
    for branch in list(walk(roots))[::-1]:
        branch.children.sort(key=_by_start)
        branch.last_end = max([branch.end, *(child.last_end for child in branch.children)])
        branch.size = 1 + sum(child.size for child in branch.children)
        below = sum(child.failures for child in branch.children)
        branch.failures = below + branch.span.has_failed
