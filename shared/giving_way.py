"""Lets the operating system run whatever people wait for before a worker."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Final

OWN_GROUP = Path("/proc/self/autogroup")
TRIES: Final = 20
PAUSE_SECONDS: Final = 0.15
"""Linux takes one such wish in a tenth of a second from ordinary users, of all processes."""
log = logging.getLogger(__name__)


def give_way(niceness: int) -> None:
    """Take the processor after others, for good: from 0, as any process, to 19, when it is idle.

    Linux may share the processor among sessions first, each of which has a niceness; among
    containers it does so by `cpu_shares`, whatever this says.
    """
    os.nice(niceness)
    leads = os.getsid(0) == os.getpid()  # else others are in the session too
    if niceness and leads and OWN_GROUP.exists():
        _tell_group(niceness)


def _tell_group(niceness: int) -> None:
    for _ in range(TRIES):
        try:
            OWN_GROUP.write_text(str(niceness))
            return
        except BlockingIOError:  # another process was as polite just now
            time.sleep(PAUSE_SECONDS)
        except OSError as error:
            log.warning("%s: %s; only this process's own niceness counts", OWN_GROUP, error)
            return
    log.warning("%s: busy; only this process's own niceness counts", OWN_GROUP)
