"""A trace as a tree of spans, cut to what a person wants to see. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from shared.messages import Metadata

LIKE_NAMED_SHOWN: Final = 6
"""Steps without steps of their own."""
LIKE_NAMED_BRANCHES_SHOWN: Final = 1
"""A POST of 100 messages has 100 branches; one stands for all of them."""


@dataclass(frozen=True, slots=True)
class Span:
    """One finished step."""

    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    kind: str
    status: str
    started_at: datetime
    duration_ms: float
    attributes: Metadata

    def is_about(self, message: str) -> bool:
        """Return whether it is a step of this message: its id, or `queue:id`."""
        queue, _, message_id = message.rpartition(":")
        return self.attributes.get("messaging.message.id") == message_id and (
            not queue or self.attributes.get("messaging.destination.name") == queue
        )


@dataclass(slots=True)
class Branch:
    """A span with what it caused, oldest first."""

    span: Span
    children: list[Branch] = field(default_factory=list["Branch"])

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)


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
    entry: Span | Hidden


_SPANS = TypeAdapter(list[Span])


def parse_spans(rows: Sequence[Mapping[str, object]]) -> list[Span]:
    """Return the rows of the span store as spans."""
    return _SPANS.validate_python(rows)


def build_tree(spans: Iterable[Span]) -> list[Branch]:
    """Return the roots; a span whose parent was not kept is one too."""
    branches = {span.span_id: Branch(span) for span in spans}
    roots: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.span.parent_span_id or "")
        (parent.children if parent else roots).append(branch)
    for branch in branches.values():
        branch.children.sort(key=lambda child: child.span.started_at)
    return sorted(roots, key=lambda root: root.span.started_at)


def follow(branches: Sequence[Branch], message: str) -> list[Branch]:
    """Return the paths from a root through the steps of one message to all they caused."""
    kept: list[Branch] = []
    for branch in branches:
        if branch.span.is_about(message):
            kept.append(branch)
        elif children := follow(branch.children, message):
            kept.append(Branch(branch.span, children))
    return kept


def find_largest_message(branches: Sequence[Branch]) -> str | None:
    """Return the message that caused most, as `queue:id`; None where no span names one."""
    for branch in sorted(branches, key=lambda branch: -branch.size):
        attributes = branch.span.attributes
        if message_id := attributes.get("messaging.message.id"):
            return f"{attributes.get('messaging.destination.name', '')}:{message_id}"
        if found := find_largest_message(branch.children):
            return found
    return None


def draw(branches: Sequence[Branch], guides: str = "", *, is_root: bool = True) -> Iterator[Row]:
    """Yield the lines of a tree, like-named siblings collapsed."""
    entries = _collapse(branches)
    for position, entry in enumerate(entries):
        is_last = position == len(entries) - 1
        joint = "" if is_root else "└─ " if is_last else "├─ "
        if isinstance(entry, Hidden):
            yield Row(guides + joint, entry)
            continue
        yield Row(guides + joint, entry.span)
        deeper = "" if is_root else "   " if is_last else "│  "
        yield from draw(entry.children, guides + deeper, is_root=False)


def _collapse(branches: Sequence[Branch]) -> list[Branch | Hidden]:
    """Return what is shown, in order of time; of like-named branches the largest."""
    groups: defaultdict[tuple[str, str, bool], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[branch.span.name, branch.span.service, not branch.children].append(branch)
    timed: list[tuple[datetime, Branch | Hidden]] = []
    for (name, service, is_leaf), group in groups.items():
        group.sort(key=lambda branch: -branch.size)
        limit = LIKE_NAMED_SHOWN if is_leaf else LIKE_NAMED_BRANCHES_SHOWN
        shown, rest = group[:limit], group[limit:]
        timed += [(branch.span.started_at, branch) for branch in shown]
        if rest:
            total = sum(branch.span.duration_ms for branch in rest)
            last = max(branch.span.started_at for branch in shown)
            timed.append((last, Hidden(name, service, len(rest), total)))
    return [entry for _, entry in sorted(timed, key=lambda pair: pair[0])]


def count_services(spans: Iterable[Span]) -> Counter[str]:
    """Return how many spans each service has."""
    return Counter(span.service for span in spans)
