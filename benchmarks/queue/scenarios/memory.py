"""Whether a consumer's memory stays flat: it drains in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from benchmarks.progress import say
from benchmarks.queue.contestants.pgmq_broker import PgmqBatch, PgmqSingle
from benchmarks.queue.server import database, database_name, settle

if TYPE_CHECKING:
    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "memory"
UNIT: Final = "MiB"
PROCESS: Final = "benchmarks.queue.scenarios.draining_process"


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Drain once with each kind of handler."""
    for one in (PgmqBatch(), PgmqSingle()):
        with database(admin_dsn, database_name(f"{NAME} {one.name}")) as dsn:
            asyncio.run(one.create(dsn))
            say(f"{NAME}: filling {sizes.memory:,}")
            asyncio.run(one.fill(dsn, sizes.memory))
            asyncio.run(settle(dsn))
            early, middle, end = _drain(one.name, dsn, sizes.memory)
        say(f"{NAME}: {one.name} {early:.1f}, {middle:.1f}, {end:.1f} {UNIT}")
        moments = {"after a tenth": [early], "half way": [middle], "at the end": [end]}
        results.add(NAME, UNIT, {f"{one.name}, {when}": value for when, value in moments.items()})
        text = f"{one.name}: at the end / after a tenth of {sizes.memory:,}"
        results.at_most(NAME, text, end / early, 1.15)


def _drain(name: str, dsn: str, count: int) -> tuple[float, float, float]:
    command = [sys.executable, "-m", PROCESS, name, dsn, str(count)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    early, middle, end = json.loads(ended.stdout)
    return early, middle, end
