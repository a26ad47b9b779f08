"""Restart what dies, for as long as `supastate local up` stays in the foreground."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from cli.local_stack.errors import StackError
from cli.local_stack.processes import is_running, read_tail
from cli.local_stack.stack import LocalStack

LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A part that ran this long starts with the first pause again."""


@dataclass(slots=True)
class Watched:
    """What the supervisor knows about one part."""

    failures: int = 0
    restart_at: float | None = None
    """Monotonic time; None while it runs."""
    started_at: float = 0.0


def pause_after(failures: int) -> float:
    """Return how long to wait before the next restart, in seconds."""
    return min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Watches every part that this stack runs itself."""

    def __init__(self, stack: LocalStack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self._watched = {name: Watched() for name in stack.state().processes}

    def run(self, ended: Event) -> None:
        """Watch until `ended` is set or another command stopped the stack."""
        self._stack.supervise()
        while self._stack.is_supervised_here():
            for name, watched in self._watched.items():
                self._look_after(name, watched)
            if ended.wait(LOOK_SECONDS):
                return
        self._say("another command stopped the stack")

    def _look_after(self, name: str, watched: Watched) -> None:
        record = self._stack.state().processes.get(name)
        if watched.restart_at is not None:
            if time.monotonic() >= watched.restart_at:
                self._restart(name, watched)
        elif record is None or not is_running(record):
            self._say(f"{name} died; its log ends with:\n{read_tail(self._stack.home.log(name))}")
            self._plan_restart(name, watched)

    def _plan_restart(self, name: str, watched: Watched) -> None:
        was_steady = time.monotonic() - watched.started_at > STEADY_SECONDS
        watched.failures = 1 if was_steady else watched.failures + 1
        pause = pause_after(watched.failures)
        watched.restart_at = time.monotonic() + pause
        self._say(f"{name} is started again in {pause:.0f} s")

    def _restart(self, name: str, watched: Watched) -> None:
        watched.started_at = time.monotonic()
        try:
            self._stack.restart(name)
        except StackError as error:
            self._say(str(error))
            self._plan_restart(name, watched)
        else:
            watched.restart_at = None
