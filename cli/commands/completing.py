"""What the shell completes beside commands, options and choices: names that are cheap to know."""

from __future__ import annotations


def complete_queue(incomplete: str) -> list[str]:
    """Return the queues that begin so."""
    from shared.messages import QUEUES

    return [queue for queue in QUEUES if queue.startswith(incomplete)]
