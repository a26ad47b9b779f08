"""Waits until the queues have drained."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel

from cli.api_client import ApiClient
from cli.errors import CommandError

POLL_SECONDS: Final = 0.5
STABLE_POLLS: Final = 3
"""A message that one service ends and the next has yet to get is in no queue for a moment."""
STALLED_AFTER_SECONDS: Final = 30.0


class QueueCounts(BaseModel, frozen=True):
    """One queue as the API counts it."""

    name: str
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int

    @property
    def left(self) -> int:
        """What has to be done before the queue is drained; not what was sent for later."""
        return self.waiting + self.running + self.retrying


class QueuesAnswer(BaseModel):
    """What the API says of all queues."""

    queues: list[QueueCounts]


class NotDrainedError(CommandError):
    """The queues did not drain in time."""

    def __init__(self, counts: Sequence[QueueCounts], seconds: float) -> None:
        left = ", ".join(f"{count.left} in {count.name}" for count in counts if count.left)
        super().__init__(
            f"not done after {seconds:.0f} s: {left or 'messages keep coming'}",
            next_step="What was sent is safe and goes on. `supastate local status` shows whether "
            "all services run; --timeout waits longer.",
        )


def read_queues(client: ApiClient) -> list[QueueCounts]:
    """Return the counts of all queues now."""
    return QueuesAnswer.model_validate(client.get("/api/queues")).queues


def count_dead(counts: Sequence[QueueCounts]) -> int:
    """Return the dead letters of all queues."""
    return sum(count.dead for count in counts)


def wait_until_drained(
    read: Callable[[], Sequence[QueueCounts]],
    show: Callable[[Sequence[QueueCounts]], None],
    *,
    timeout_seconds: float,
    poll_seconds: float = POLL_SECONDS,
) -> Sequence[QueueCounts]:
    """Return the last counts once every queue has stayed empty for some polls.

    Raises:
        NotDrainedError: it took longer than `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    quiet_polls = 0
    while True:
        show(counts := read())
        quiet_polls = 0 if any(count.left for count in counts) else quiet_polls + 1
        if quiet_polls >= STABLE_POLLS:
            return counts
        if time.monotonic() + poll_seconds > deadline:
            raise NotDrainedError(counts, timeout_seconds)
        time.sleep(poll_seconds)
