"""A dead letter, and which are meant. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from faststream_pgmq.delivery import DEAD_LETTER, GROUP, TRACEPARENT

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters are meant; without any condition, all."""

    error: str | None = None
    """Name of the error's class."""
    contains: str | None = None
    """Text in the error's message, in upper or lower case."""
    group: str | None = None
    since: datetime | None = None
    """Dead at this moment or later; `until` is without its moment. Aware of their zone."""
    until: datetime | None = None

    def parameters(self, queue: str, max_rows: int | None = None, after: int = 0) -> dict[str, Any]:
        """Return what the SQL functions take."""
        return {
            "queue": queue,
            "error": self.error,
            "contains": self.contains,
            "group": self.group,
            "since": self.since,
            "until": self.until,
            "max_rows": max_rows,
            "after": after,
        }


ALL: Final = LetterFilter()


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    msg_id: int
    """Its id among the dead letters; `report["msg_id"]` is the one it had in its queue."""
    failed_at: datetime
    error: str | None
    """Class of the error; None for what somebody sent to the dead letter queue without a report."""
    error_message: str | None
    message: Any
    """Its JSON as text if it is nested deeper than Python reads."""
    headers: dict[str, Any]

    @property
    def report(self) -> dict[str, Any]:
        """What the broker wrote when it gave the message up."""
        return as_object(self.headers.get(DEAD_LETTER))

    @property
    def traceback(self) -> str | None:
        return _as_text(self.report.get("traceback"))

    @property
    def group(self) -> str | None:
        return _as_text(self.headers.get(GROUP))

    @property
    def trace_id(self) -> str | None:
        """The trace of the message, if its `traceparent` is one."""
        parts = (_as_text(self.headers.get(TRACEPARENT)) or "").split("-")
        return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None


def readable(text: str | None) -> Any:
    """Return JSON as Python objects; what is nested too deep or too long a number stays text.

    Such a message is among the dead letters because it cannot be read: they must be shown.
    """
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return text


def as_object(value: object) -> dict[str, Any]:
    # Anybody may send to the dead letter queue, with any JSON as headers.
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else None
