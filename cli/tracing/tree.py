"""The tree of a trace, cut to what a person wants to see. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cli.tracing.spans import is_about
from shared.postgres.traces import Span
from shared.traces.tree import Branch, walk

LIKE_NAMED_SHOWN: Final = 6
"""Steps without steps of their own."""
LIKE_NAMED_BRANCHES_SHOWN: Final = 1
"""A POST of 100 messages has 100 branches; one stands for all of them."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Like-named branches that are not shown one by one."""

    name: str
    service: str
    count: int
    total_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing; `guides` are the lines that lead to it."""

    guides: str
    entry: Branch | Hidden


def follow(branches: Sequence[Branch], message: str) -> list[Branch]:
    """Return the paths from a root through the steps of one message to all they caused."""
    below = list(walk(branches))
    steps = {id(one) for one in below if is_about(one.span, message)}
    kept: dict[int, Branch] = {}
    for branch in reversed(below):
        children = [kept[id(child)] for child in branch.children if id(child) in kept]
        if id(branch) in steps:
            kept[id(branch)] = branch
        elif children:
            size = 1 + sum(child.size for child in children)
            kept[id(branch)] = replace(branch, children=children, size=size)
    return [kept[id(branch)] for branch in branches if id(branch) in kept]


def find_largest_message(branches: Iterable[Branch]) -> str | None:
    """Return the message that caused most, as `queue:id`; None where no span names one."""
    named = (branch for branch in walk(branches) if branch.span.message_id)
    largest = max(named, key=lambda branch: branch.size, default=None)
    return largest and f"{largest.span.queue or ''}:{largest.span.message_id}"


def draw(branches: Sequence[Branch]) -> Iterator[Row]:
    """Yield the lines of a tree, like-named siblings collapsed; a trace may be deep."""
    waiting = [(Row("", entry), "") for entry in _collapse(branches)][::-1]
    while waiting:
        row, guides = waiting.pop()
        yield row
        if isinstance(row.entry, Branch):
            waiting += _lines(row.entry.children, guides)[::-1]


def _lines(branches: Sequence[Branch], guides: str) -> list[tuple[Row, str]]:
    """Return the line of each branch, and what leads to those below it."""
    entries = _collapse(branches)
    joints = [("├─ ", "│  ")] * (len(entries) - 1) + [("└─ ", "   ")]
    return [
        (Row(guides + joint, entry), guides + deeper)
        for entry, (joint, deeper) in zip(entries, joints, strict=False)
    ]


def _collapse(branches: Sequence[Branch]) -> list[Branch | Hidden]:
    """Return what is shown, in order of time; of like-named branches the largest."""
    groups: defaultdict[tuple[str, str, bool], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[branch.span.name, branch.span.service, not branch.children].append(branch)
    timed: list[tuple[float, Branch | Hidden]] = []
    for (name, service, is_leaf), group in groups.items():
        group.sort(key=lambda branch: -branch.size)
        limit = LIKE_NAMED_SHOWN if is_leaf else LIKE_NAMED_BRANCHES_SHOWN
        shown, rest = group[:limit], group[limit:]
        timed += [(branch.start, branch) for branch in shown]
        if rest:
            total = sum(branch.span.duration_ms for branch in rest)
            last = max(branch.start for branch in shown)
            timed.append((last, Hidden(name, service, len(rest), total)))
    return [entry for _, entry in sorted(timed, key=lambda pair: pair[0])]


def services_of(spans: Iterable[Span]) -> list[str]:
    """Return the services that took part, each once."""
    return list(dict.fromkeys(span.service for span in spans))
