"""How far a handler is, by its own word."""

from __future__ import annotations

from typing import Final

from faststream_pgmq.delivery import Progress
from faststream_pgmq.outbox import OUTBOX

MAX_STEP: Final = 200
MAX_COUNT: Final = 2**62


def report_progress(step: str, done: int = 0, total: int = 0) -> None:
    """Note what the running handler does now, and how many of how many it has done.

    Costs no statement: the subscriber tells Postgres what changed, once a second at most, and
    nothing of what ends within a second. Outside of a handler it does nothing.

    Args:
        total: 0 if nobody knows.
    """
    outbox = OUTBOX.get()
    if outbox is None:
        return
    text = step[:MAX_STEP].replace("\x00", "").encode("utf-8", "replace").decode()
    progress = Progress(text, _bounded(done), _bounded(total))
    for delivery in outbox.deliveries:
        delivery.progress = progress


def _bounded(count: int) -> int:
    return max(0, min(count, MAX_COUNT))
