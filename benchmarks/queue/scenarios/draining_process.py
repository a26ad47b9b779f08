"""Drains a queue and prints how large it was on the way: started by `memory.py`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Final

from benchmarks.queue.contestants.contestant import Tally
from benchmarks.queue.contestants.pgmq_broker import PgmqBatch, PgmqSingle

KINDS: Final = {one.name: one for one in (PgmqBatch(), PgmqSingle())}
MIB: Final = 1024 * 1024


class SizeTally(Tally):
    """Notes the size of this process after a tenth, at half way, and at the end."""

    def __init__(self, expected: int) -> None:
        super().__init__(expected)
        self.sizes: list[float] = []
        self._milestones = [expected // 10, expected // 2, expected]

    def add(self, count: int = 1) -> None:
        super().add(count)
        if self._milestones and self.count >= self._milestones[0]:
            self._milestones.pop(0)
            self.sizes.append(resident_bytes() / MIB)


def resident_bytes() -> int:
    """Return what of this process is in memory now; not its peak."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def main() -> None:
    """Drain, then print the three sizes in MiB as JSON."""
    name, dsn, count = sys.argv[1:]
    tally = SizeTally(int(count))
    async with KINDS[name].consuming(dsn, tally):
        await tally.done()
    print(json.dumps(tally.sizes))


if __name__ == "__main__":
    asyncio.run(main())
