"""What the doorbell costs 32 concurrent senders, and whom an open sending transaction delays."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from benchmarks.figures import ratio_of_rounds
from benchmarks.progress import say
from benchmarks.queue.contestants.floor import SEND
from benchmarks.queue.server import connection, database, empty_queue, install_pgmq, settle
from cli.local_stack.postgres_install import find_programs

if TYPE_CHECKING:
    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "senders"
UNIT: Final = "sends/s"
CLIENTS: Final = 32
SLICES: Final = 3
"""Measurements of one round."""
SILENT: Final = "silent"
BELL: Final = "bell"
OPEN: Final = "bell, one sender's transaction open"
TAKE_BELL: Final[LiteralString] = "DROP TRIGGER faststream_pgmq_doorbell ON pgmq.q_silent"
SCRIPT: Final = (
    "SELECT pgmq.send('{queue}', jsonb_build_object('n', 1, 'text', repeat('x', 200)));\n"
)
RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Send with pgbench: without a trigger, with the doorbell, and beside an open sender."""
    rounds: dict[str, list[float]] = {SILENT: [], BELL: [], OPEN: []}
    with database(admin_dsn, NAME) as dsn:
        asyncio.run(_create(dsn))
        for number in range(sizes.rounds * SLICES):
            # Short slices, in changing order: a machine's pace drifts within seconds.
            for kind in random.sample(list(rounds), len(rounds)):
                rounds[kind].append(_send_as(kind, dsn, sizes.send_seconds))
            say(f"{NAME}, slice {number + 1}: " + _last(rounds))
    results.add(NAME, UNIT, rounds)
    text = "doorbell / no trigger"
    results.at_least(NAME, text, ratio_of_rounds(rounds[BELL], rounds[SILENT]), 0.95)
    text = "doorbell beside an open sender / no trigger"
    results.at_least(NAME, text, ratio_of_rounds(rounds[OPEN], rounds[SILENT]), 0.95)


def _last(rounds: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {some[-1]:,.0f}" for name, some in rounds.items())


def _send_as(kind: str, dsn: str, seconds: int) -> float:
    asyncio.run(empty_queue(dsn, SILENT if kind == SILENT else BELL))
    asyncio.run(settle(dsn))
    if kind != OPEN:
        return _send(dsn, kind, seconds)
    with psycopg.connect(dsn) as conn:
        conn.execute(SEND, (BELL, "{}"))
        rate = _send(dsn, BELL, seconds)
        conn.rollback()
    return rate


async def _create(dsn: str) -> None:
    # Two queues that differ in nothing but the trigger.
    await install_pgmq(dsn, BELL, SILENT)
    async with connection(dsn) as conn:
        await conn.execute(TAKE_BELL)


def _send(dsn: str, queue: str, seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT.format(queue=queue))
        script.flush()
        command = [
            str(find_programs() / "pgbench"),
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={CLIENTS}",
            "--jobs=2",
            f"--time={seconds}",
            f"--file={Path(script.name)}",
            dsn,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = RATE.search(ended.stdout)
    if ended.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {ended.stderr.strip()}")
    return float(found[1])
