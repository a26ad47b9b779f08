"""Tasks that work until they are told to end, and do end then."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine

    Work = Callable[[], Coroutine[Any, Any, None]]
    Tell = Callable[[str, BaseException | None], None]

AGAIN: Final = 12.0
"""Seconds until a task that goes on is cancelled once more: it has lost the first cancellation, as
`asyncio.wait_for` does on Python 3.11. psycopg may take 10 s to cancel a statement."""
REPLACE_AFTER: Final = 1.0


class Crew:
    """Does each work in a task of its own; one that ends before the crew does is replaced.

    Args:
        tell: is told what has ended, and the error that ended it; None: it was cancelled.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_ending = False

    def employ(self, work: Work) -> None:
        """Have this done, until it returns."""
        if self.is_ending:
            return
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(partial(self._replace, work))

    async def end(self) -> None:
        """Cancel all of them, and return when they have ended."""
        self.is_ending = True
        pending = set(self._tasks)
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=AGAIN)

    def _replace(self, work: Work, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if self.is_ending or (error is None and not task.cancelled()):
            return
        self._tell(getattr(task.get_coro(), "__qualname__", "a task"), error)
        # Later: where the whole loop is ending, nothing must begin.
        asyncio.get_running_loop().call_later(REPLACE_AFTER, self.employ, work)


def telling(log: logging.Logger) -> Tell:
    """Return what writes the ends of tasks into a log."""
    return lambda what, error: log.error("%s has ended and is begun anew", what, exc_info=error)


def cancellations() -> int:
    """Return how often the running task was told to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def forget_cancellations() -> None:
    """Forget those that somebody else's code asked for, caught and never took back."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
