"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """A whole run takes about three minutes."""

    chunks: int = 100
    warm_ups: int = 10
    answers: int = 60
    """Requests whose time is taken, one after the other, in turn with the floor's."""
    clients: int = 32
    rounds: int = 4
    seconds: float = 5.0
    """Of one round of all clients."""
    streams: int = 1_000


def quick() -> Sizes:
    """Return sizes for development."""
    return Sizes(warm_ups=3, answers=10, rounds=1, seconds=3.0, streams=200)
