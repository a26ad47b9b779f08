"""The spans of a trace as the span store has them, for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pydantic import JsonValue, TypeAdapter

from shared.postgres.traces import Span

TOLD_BY: Final = {
    "operation": "messaging.operation.name",
    "message_id": "messaging.message.id",
    "database": "db.system.name",
    "error": "error.type",
}
"""What a span is asked first, and the attribute that tells it."""
NOT_PRINTED: Final = {*TOLD_BY, "links"}
_SPANS: Final = TypeAdapter(list[Span])


def parse_spans(rows: Sequence[Mapping[str, object]]) -> list[Span]:
    """Return the rows of the span store as spans with all their attributes."""
    bare = dict.fromkeys(TOLD_BY)
    return [_told(span) for span in _SPANS.validate_python([{**bare, **row} for row in rows])]


def dump_spans(spans: list[Span]) -> JsonValue:
    """Return spans as JSON prints them: each attribute once."""
    return _SPANS.dump_python(spans, mode="json", exclude={"__all__": NOT_PRINTED})


def is_about(span: Span, message: str) -> bool:
    """Return whether it is a step of this message: its id, or `queue:id`."""
    queue, _, message_id = message.rpartition(":")
    return span.message_id == message_id and (not queue or queue_of(span) == queue)


def queue_of(span: Span) -> str:
    """Return the queue of the message that it is about."""
    return str((span.attributes or {}).get("messaging.destination.name", ""))


def _told(span: Span) -> Span:
    attributes = span.attributes or {}
    known = {name: attributes[key] for name, key in TOLD_BY.items() if key in attributes}
    return replace(span, **{name: str(value) for name, value in known.items()})
