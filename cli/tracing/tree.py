"""The tree of a trace, cut to what a person wants to see. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cli.tracing.spans import is_about, queue_of
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
    kept: list[Branch] = []
    for branch in branches:
        if is_about(branch.span, message):
            kept.append(branch)
        elif children := follow(branch.children, message):
            kept.append(replace(branch, children=children))
    return kept


def find_largest_message(branches: Iterable[Branch]) -> str | None:
    """Return the message that caused most, as `queue:id`; None where no span names one."""
    named = (branch for branch in walk(branches) if branch.span.message_id)
    largest = max(named, key=lambda branch: branch.size, default=None)
    return largest and f"{queue_of(largest.span)}:{largest.span.message_id}"


def draw(branches: Sequence[Branch], guides: str = "", *, is_root: bool = True) -> Iterator[Row]:
    """Yield the lines of a tree, like-named siblings collapsed."""
    entries = _collapse(branches)
    for position, entry in enumerate(entries):
        is_last = position == len(entries) - 1
        joint = "" if is_root else "└─ " if is_last else "├─ "
        yield Row(guides + joint, entry)
        if isinstance(entry, Branch):
            deeper = "" if is_root else "   " if is_last else "│  "
            yield from draw(entry.children, guides + deeper, is_root=False)


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
