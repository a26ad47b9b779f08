"""What a queue's figures say: how fast it moves, when it is empty, how it stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from shared.domain.histograms import quantile

STALLED_AFTER: Final = timedelta(seconds=60)
"""Something waits, and for so long nothing was finished."""
SLOW_AFTER: Final = timedelta(minutes=10)
"""The same while a worker holds messages: one may take minutes."""

HEARTBEATS: Final = 3
"""How often a worker renews what it holds in the time of one lease."""
MISSED: Final = 2
"""One heartbeat may be late."""

State: TypeAlias = Literal["idle", "working", "stalled", "unattended", "paused"]


@dataclass(frozen=True, slots=True)
class Flow:
    """What went through a queue in some seconds."""

    seconds: float
    arrived: int
    done: int
    failed: int
    wait: Sequence[int] | None
    run: Sequence[int] | None

    @property
    def arrived_per_second(self) -> float:
        return self._per_second(self.arrived)

    @property
    def done_per_second(self) -> float:
        return self._per_second(self.done)

    def wait_seconds(self, share: float) -> float | None:
        return quantile(self.wait, share)

    def run_seconds(self, share: float) -> float | None:
        return quantile(self.run, share)

    def _per_second(self, count: int) -> float:
        return count / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a queue at one moment."""

    at: datetime
    waiting: int
    running: int
    retrying: int
    due_since: datetime | None
    last_done_at: datetime | None
    consumers: int
    is_paused: bool

    @property
    def backlog(self) -> int:
        return self.waiting + self.running + self.retrying

    @property
    def oldest_seconds(self) -> float:
        """How long the message that waits longest has waited; 0 where none does."""
        return max(0.0, (self.at - self.due_since).total_seconds()) if self.due_since else 0.0


def silent_below(lease_seconds: float) -> float:
    """Return what is left of a lease that was not renewed at two heartbeats."""
    return lease_seconds * (1 - MISSED / HEARTBEATS)


def drain_seconds(standing: Standing, flow: Flow) -> float | None:
    """Return when the queue is empty at this pace; None where it does not get shorter."""
    if not standing.backlog:
        return 0.0
    shrinks_by = flow.done_per_second + flow.failed / max(flow.seconds, 1) - flow.arrived_per_second
    return standing.backlog / shrinks_by if shrinks_by > 0 and not standing.is_paused else None


def state_of(standing: Standing) -> State:
    """Return one word for a queue: nothing finished looks idle only where nothing waits."""
    if standing.is_paused:
        return "paused"
    last_done_at = standing.last_done_at
    quiet = standing.at - last_done_at if last_done_at else timedelta.max
    if not standing.consumers and quiet > STALLED_AFTER:
        return "unattended"
    patience = SLOW_AFTER if standing.running else STALLED_AFTER
    if quiet > patience and standing.oldest_seconds > patience.total_seconds():
        return "stalled"
    return "working" if standing.waiting or standing.running or standing.retrying else "idle"
