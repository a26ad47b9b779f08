"""Run the steps of a start at the same time; the first failure ends them all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

Step = Callable[[], bool]
"""Does something; returns whether anything had to be done."""


class StartCancelledError(Exception):
    """Another step failed, or the user gave up."""


def run_side_by_side(steps: Sequence[Step], cancelled: Event) -> bool:
    """Run all steps at once; return whether any of them did something.

    When one fails, or this thread is interrupted, `cancelled` is set and the others are waited
    for: nothing goes on behind the caller's back.

    Raises:
        Exception: the first that a step raised, apart from those that gave up because of it.
    """
    cancelled.clear()
    with ThreadPoolExecutor(max_workers=max(1, len(steps))) as pool:
        running = [pool.submit(step) for step in steps]
        try:
            did = [done.result() for done in as_completed(running)]
        except BaseException:
            cancelled.set()
            raise
        return any(did)
