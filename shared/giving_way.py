"""Lets the operating system run whatever people wait for before a worker."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

OWN_GROUP = Path("/proc/self/autogroup")


def give_way(niceness: int) -> None:
    """Take the processor after others, for good: from 0, as any process, to 19, when it is idle.

    Linux may share the processor among sessions first, each of which has a niceness; among
    containers it does so by `cpu_shares`, whatever this says.
    """
    os.nice(niceness)
    if niceness and os.getsid(0) == os.getpid():  # else others are in the session too
        with suppress(OSError):  # no such groups here
            OWN_GROUP.write_text(str(niceness))
