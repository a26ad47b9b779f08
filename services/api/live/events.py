"""What a stream carries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi.sse import format_sse_event

RESYNC: Final = "resync"
"""Something was missed: fetch again whatever is shown."""
CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
"""This process hears of no change now: what is shown may be old."""
NO_DATA: Final = "{}"
"""A browser drops an event without data."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed; `data` is JSON."""

    name: str
    """The topic that changed, or one of those above."""
    id: int
    data: str = NO_DATA

    def encode(self) -> bytes:
        """Return it as `text/event-stream` has it."""
        return format_sse_event(event=self.name, id=str(self.id), data_str=self.data)
