"""Says on stderr what runs now: a benchmark takes long."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Final

_STARTED: Final = monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"{monotonic() - _STARTED:7.1f} s  {text}", file=sys.stderr, flush=True)
