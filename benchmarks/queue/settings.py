"""How much is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

PAYLOAD_TEXT: Final = "x" * 200
BATCH: Final = 500
"""Messages of one read, for everybody whose batches may be that large."""


def payload(n: int) -> dict[str, Any]:
    """Return the message that every contestant gets."""
    return {"n": n, "text": PAYLOAD_TEXT}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of messages, rounds and seconds."""

    rounds: int = 3
    drained: dict[str, int] = field(
        # So many that each takes seconds: a slow one may drain fewer, which is to its advantage.
        default_factory=lambda: {
            "floor": 200_000,
            "pgmq batch": 200_000,
            "pgmq single": 50_000,
            "overhead": 50_000,
            "pgqueuer": 50_000,
            "faststream-outbox": 30_000,
            "procrastinate": 2_000,
        }
    )
    wakes: int = 200
    send_seconds: int = 5
    idle_seconds: float = 30.0
    read_messages: int = 20_000
    waiting: int = 1_000_000
    hidden: int = 300_000
    grouped: int = 100_000
    looks: int = 60
    snapshot: int = 300_000
    memory: int = 1_000_000


def quick() -> Sizes:
    """Return sizes for development: minutes, and noisier."""
    return Sizes(
        drained={name: max(1_000, count // 10) for name, count in Sizes().drained.items()},
        wakes=40,
        send_seconds=2,
        idle_seconds=5.0,
        read_messages=5_000,
        waiting=100_000,
        hidden=50_000,
        grouped=20_000,
        looks=20,
        snapshot=50_000,
        memory=100_000,
    )
