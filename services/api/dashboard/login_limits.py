"""How often somebody may try keys at the login."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 60.0
TRIES_OF_ONE: Final = 10
TRIES_OF_ALL: Final = 100
MOST_KNOWN: Final = 1_000


class LoginLimits:
    """Tries of the last minute in this process, by address.

    A key has 256 random bits and cannot be guessed; this keeps the trying cheap for us.
    """

    def __init__(self) -> None:
        self._tries: dict[str, deque[float]] = {}
        self._all: deque[float] = deque()

    def find_wait_seconds(self, address: str) -> float:
        """Note a try and return 0, or return how long to wait for the next."""
        now = time.monotonic()
        if len(self._tries) >= MOST_KNOWN:
            self._tries.clear()
        own = self._tries.setdefault(address, deque())
        waits = [_wait(own, TRIES_OF_ONE, now), _wait(self._all, TRIES_OF_ALL, now)]
        if max(waits) == 0:
            own.append(now)
            self._all.append(now)
        return max(waits)


def _wait(tries: deque[float], allowed: int, now: float) -> float:
    while tries and now - tries[0] > WINDOW_SECONDS:
        tries.popleft()
    return 0.0 if len(tries) < allowed else WINDOW_SECONDS - (now - tries[0])
