"""The spans of a trace as the command line shows them. Pure."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue, TypeAdapter

from shared.postgres.traces import Span

NOT_PRINTED: Final = {"operation", "message_id", "database", "error", "queue"}
"""What the attributes say too."""
_SPANS: Final = TypeAdapter(list[Span])


def dump_spans(spans: list[Span]) -> JsonValue:
    """Return spans as JSON prints them: each attribute once."""
    return _SPANS.dump_python(spans, mode="json", exclude={"__all__": NOT_PRINTED})


def is_about(span: Span, message: str) -> bool:
    """Return whether it is a step of this message: its id, or `queue:id`."""
    queue, _, message_id = message.rpartition(":")
    return span.message_id == message_id and queue in ("", span.queue)
