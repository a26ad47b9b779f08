"""A trace as a tree of spans, cut to what a person wants to see. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from shared.messages import Metadata

LIKE_NAMED_SHOWN: Final = 3
"""A POST of 100 messages has 100 branches; these stand for all of them."""


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

    def is_about(self, message_id: str) -> bool:
        """Return whether an id among the attributes is this one."""
        return any(
            name.endswith("id") and str(value) == message_id
            for name, value in self.attributes.items()
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


def follow(branches: Sequence[Branch], message_id: str) -> list[Branch]:
    """Return the paths from a root through spans about one message to all they caused."""
    kept: list[Branch] = []
    for branch in branches:
        if branch.span.is_about(message_id):
            kept.append(branch)
        elif children := follow(branch.children, message_id):
            kept.append(Branch(branch.span, children))
    return kept


def draw(branches: Sequence[Branch], guides: str = "", *, is_root: bool = True) -> Iterator[Row]:
    """Yield the lines of a tree, like-named siblings collapsed."""
    shown, hidden = _collapse(branches)
    entries = [*shown, *hidden]
    for position, entry in enumerate(entries):
        is_last = position == len(entries) - 1
        joint = "" if is_root else "└─ " if is_last else "├─ "
        if isinstance(entry, Hidden):
            yield Row(guides + joint, entry)
            continue
        yield Row(guides + joint, entry.span)
        deeper = "" if is_root else "   " if is_last else "│  "
        yield from draw(entry.children, guides + deeper, is_root=False)


def _collapse(branches: Sequence[Branch]) -> tuple[list[Branch], list[Hidden]]:
    """Return what is shown, in order of time, and the rest; the largest branches are shown."""
    groups: defaultdict[tuple[str, str], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[branch.span.name, branch.span.service].append(branch)
    shown: list[Branch] = []
    hidden: list[Hidden] = []
    for (name, service), group in groups.items():
        by_size = sorted(group, key=lambda branch: -branch.size)
        shown += by_size[:LIKE_NAMED_SHOWN]
        if rest := by_size[LIKE_NAMED_SHOWN:]:
            total = sum(branch.span.duration_ms for branch in rest)
            hidden.append(Hidden(name, service, len(rest), total))
    return sorted(shown, key=lambda branch: branch.span.started_at), hidden


def count_services(spans: Iterable[Span]) -> Counter[str]:
    """Return how many spans each service has."""
    return Counter(span.service for span in spans)
