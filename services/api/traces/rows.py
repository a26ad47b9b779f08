"""A trace cut to what fits on a page: like-named steps collapsed, branches opened. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from shared.traces.tree import Branch, Tree

LIKE_NAMED_SHOWN: Final = 5
"""Of more than so many like-named siblings one is shown, and the others when asked for."""
FIRST_REVEAL: Final = 20
NEXT_REVEAL: Final = 50
MOST_ROWS: Final = 200
"""In one answer."""
OPENED_ROWS: Final = 120
"""Branches are opened until so many rows are shown."""
DEEPEST: Final = 40
"""In one answer: each level is a call within a call of the templates."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Siblings that are not shown yet; `like` is the one that is, or None for the rest of all."""

    parent: Branch | None
    like: Branch | None
    count: int
    total_ms: float
    failures: int
    skip: int
    """Where the next answer begins."""
    reveal: int


@dataclass(slots=True)
class Row:
    """One span; `below` is None until it is opened."""

    branch: Branch
    depth: int
    below: list[Entry] | None = None


Entry: TypeAlias = Row | Hidden


@dataclass(frozen=True, slots=True)
class Cut:
    """Which branches are wanted."""

    errors_only: bool = False
    opened: frozenset[str] = field(default_factory=frozenset[str])
    """Spans whose way from the root is shown in any case."""

    def choose(self, branches: Iterable[Branch]) -> list[Branch]:
        """Return those that are shown at all."""
        return [branch for branch in branches if branch.failures or not self.errors_only]


def draw(tree: Tree, cut: Cut) -> list[Entry]:
    """Return the first rows: the roots, opened level by level while there is room."""
    opened = [tree.by_id[span_id] for span_id in cut.opened if span_id in tree.by_id]
    way = {id(step) for branch in opened for step in branch.path}
    top = _page(None, _collapse(None, cut.choose(tree.roots), 0, way), 0)
    waiting, shown = deque(_rows_of(top)), len(top)
    while waiting:
        row = waiting.popleft()
        if row.depth >= DEEPEST:
            continue
        children = cut.choose(row.branch.children)
        below = _page(row.branch, _collapse(row.branch, children, row.depth + 1, way), 0)
        if not below or (shown + len(below) > OPENED_ROWS and id(row.branch) not in way):
            continue
        row.below = below
        shown += len(below)
        waiting += _rows_of(below)
    return top


def open_branch(tree: Tree, branch: Branch | None, cut: Cut, skip: int = 0) -> list[Entry]:
    """Return what is directly below a branch, or the roots, from the entry `skip` on."""
    children = tree.roots if branch is None else branch.children
    depth = 0 if branch is None else len(branch.path)
    entries = _collapse(branch, cut.choose(children), depth, set())
    return _page(branch, entries[skip:], skip)


def reveal(tree: Tree, like: Branch, cut: Cut, *, skip: int, count: int) -> list[Entry]:
    """Return the next of those that are like this one, and how many are left."""
    siblings = tree.roots if like.parent is None else like.parent.children
    depth = len(like.path) - 1
    others = [one for one in cut.choose(siblings) if _name(one) == _name(like) and one is not like]
    entries: list[Entry] = [Row(one, depth) for one in others[skip : skip + count]]
    if rest := others[skip + count :]:
        entries.append(_hide(like.parent, like, rest, skip + count, NEXT_REVEAL))
    return entries


def _collapse(
    parent: Branch | None, branches: Sequence[Branch], depth: int, way: set[int]
) -> list[Entry]:
    groups: defaultdict[tuple[str, str], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[_name(branch)].append(branch)
    timed: list[tuple[float, int, Entry]] = []
    for group in groups.values():
        is_small = len(group) <= LIKE_NAMED_SHOWN
        shown = group if is_small else [max(group, key=lambda one: _worth(one, way))]
        timed += [(one.start, 0, Row(one, depth)) for one in shown]
        if len(shown) < len(group):
            rest = [one for one in group if one is not shown[0]]
            timed.append((shown[0].start, 1, _hide(parent, shown[0], rest, 0, FIRST_REVEAL)))
    return [entry for *_, entry in sorted(timed, key=lambda one: one[:2])]


def _page(parent: Branch | None, entries: list[Entry], skip: int) -> list[Entry]:
    if len(entries) <= MOST_ROWS:
        return entries
    rest = [row.branch for row in _rows_of(entries[MOST_ROWS:])]
    return [*entries[:MOST_ROWS], _hide(parent, None, rest, skip + MOST_ROWS, MOST_ROWS)]


def _rows_of(entries: Iterable[Entry]) -> list[Row]:
    return [entry for entry in entries if isinstance(entry, Row)]


def _name(branch: Branch) -> tuple[str, str]:
    return branch.span.name, branch.span.service


def _worth(branch: Branch, way: set[int]) -> tuple[bool, bool, int, float]:
    took = branch.last_end - branch.start
    return id(branch) in way, branch.is_critical, branch.failures, took


def _hide(
    parent: Branch | None, like: Branch | None, rest: Sequence[Branch], skip: int, count: int
) -> Hidden:
    total = sum(branch.span.duration_ms for branch in rest)
    failures = sum(1 for branch in rest if branch.failures)
    return Hidden(parent, like, len(rest), total, failures, skip, count)
