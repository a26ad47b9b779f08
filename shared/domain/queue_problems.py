"""What is wrong with the queues, in words that say what to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from shared.domain.queue_flow import Standing, state_of
from shared.domain.temporal_words import lasting

OLD_SNAPSHOT: Final = timedelta(hours=1)
"""Since then no dead row was removed: reads of a busy queue get slower and slower."""
STALE_INTERVALS: Final = 3
LEAST_STALE_SECONDS: Final = 30.0

Kind: TypeAlias = Literal[
    "unattended",
    "silent",
    "stalled",
    "late",
    "dead_letters",
    "paused",
    "deaf",
    "old_snapshot",
    "unsampled",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that somebody should look at."""

    kind: Kind
    queue: str | None
    text: str
    is_urgent: bool = True


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a queue besides how it stands."""

    queue: str
    standing: Standing
    failed_lately: int
    doorbell: bool
    snapshot_holder: str | None
    snapshot_seconds: float | None
    silent: int = 0
    """Messages in hand whose worker does not say that it lives."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What is normal in this installation."""

    oldest_seconds: float
    sample_seconds: float

    @property
    def stale_seconds(self) -> float:
        return max(LEAST_STALE_SECONDS, STALE_INTERVALS * self.sample_seconds)


def find_problems(watched: list[Watched], now: datetime, expected: Expectations) -> list[Problem]:
    """Return what is wrong, the most urgent first."""
    problems = [*_of_sampling(watched, now, expected), *_of_storage(watched)]
    for one in watched:
        problems += _of_queue(one, expected)
    return sorted(problems, key=lambda problem: not problem.is_urgent)


def _of_sampling(
    watched: list[Watched], now: datetime, expected: Expectations
) -> Iterator[Problem]:
    oldest = min((one.standing.at for one in watched), default=None)
    if oldest is None:
        yield Problem("unsampled", None, "The queues have not been sampled yet.", is_urgent=False)
    elif (age := (now - oldest).total_seconds()) > expected.stale_seconds:
        text = f"The figures of the queues are {_lasting(age)} old: nobody samples them."
        yield Problem("unsampled", None, text)


def _of_storage(watched: list[Watched]) -> Iterator[Problem]:
    for one in watched[:1]:  # all queues lie in one database
        seconds = one.snapshot_seconds or 0.0
        if one.snapshot_holder and seconds > OLD_SNAPSHOT.total_seconds():
            text = (
                f"A {one.snapshot_holder} has been open for {_lasting(seconds)}: "
                "dead rows stay in every queue, and reads get slower."
            )
            yield Problem("old_snapshot", None, text)


def _of_queue(one: Watched, expected: Expectations) -> Iterator[Problem]:
    standing, state = one.standing, state_of(one.standing)
    if state == "paused":
        text = f"{one.queue} is paused: what is sent to it waits."
        yield Problem("paused", one.queue, text, is_urgent=False)
    oldest = f"the oldest message has waited {_lasting(standing.oldest_seconds)}"
    is_late = standing.oldest_seconds > expected.oldest_seconds
    if state == "unattended":
        text = f"{one.queue} has no consumers{f'; {oldest}' if is_late else ''}."
        yield Problem("unattended", one.queue, text)
    elif state == "stalled":
        yield Problem("stalled", one.queue, f"{one.queue} stands still: {oldest}.")
    elif state != "paused" and is_late:
        target = _lasting(expected.oldest_seconds)
        text = f"{one.queue} is behind: {oldest}, more than the target of {target}."
        yield Problem("late", one.queue, text)
    if one.silent:
        yield _of_silence(one)
    if one.failed_lately:
        noun = "message" if one.failed_lately == 1 else "messages"
        text = f"{one.failed_lately:,} {noun} of {one.queue} were given up in the last hour."
        yield Problem("dead_letters", one.queue, text)
    if not one.doorbell:
        text = f"{one.queue} has lost its doorbell: consumers only poll. `supastate migrate` helps."
        yield Problem("deaf", one.queue, text)


def _of_silence(one: Watched) -> Problem:
    noun = "message" if one.silent == 1 else "messages"
    text = (
        f"{one.silent:,} {noun} of {one.queue} are held by a worker that gives no heartbeat: "
        "it hangs or is gone. Another one takes over when the lease ends."
    )
    return Problem("silent", one.queue, text)


def _lasting(seconds: float) -> str:
    return lasting(timedelta(seconds=round(seconds)))
