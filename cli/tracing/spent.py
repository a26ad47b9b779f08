"""Where a trace's time went, as its page tells it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cli.tracing.tree import Span
from shared.postgres import traces
from shared.traces.critical_path import Spent, add_up, mark_critical_path
from shared.traces.tree import build_tree


@dataclass(frozen=True, slots=True)
class WhereTimeWent:
    """What held the whole up."""

    steps: Collection[str]
    """Ids of the spans on the critical path."""
    spent: Sequence[Spent]


def find_where_time_went(spans: Sequence[Span]) -> WhereTimeWent:
    """Return the critical path of at least one span."""
    tree = build_tree([_as_stored(span) for span in spans])
    spent = add_up(mark_critical_path(tree), tree.duration)
    return WhereTimeWent({key for key, one in tree.by_id.items() if one.is_critical}, spent)


def _as_stored(span: Span) -> traces.Span:
    operation = span.attributes.get("messaging.operation.name")
    return traces.Span(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        service=span.service,
        name=span.name,
        kind=span.kind,
        status=span.status,
        started_at=span.started_at,
        duration_ms=span.duration_ms,
        operation=operation if isinstance(operation, str) else None,
        message_id=None,
        database=None,
        error=None,
    )
