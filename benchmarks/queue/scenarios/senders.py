"""What the doorbell costs 32 concurrent senders, and whom an open sending transaction delays."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg

from benchmarks.queue.contestants.floor import SEND
from benchmarks.queue.progress import say
from benchmarks.queue.results import ratio_of_rounds
from benchmarks.queue.server import connection, database, empty_queue, install_pgmq, settle
from cli.local_stack.postgres_install import find_programs

if TYPE_CHECKING:
    from benchmarks.queue.results import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "senders"
UNIT: Final = "sends/s"
CLIENTS: Final = 32
SILENT: Final = "silent"
BELL: Final = "bell"
OPEN: Final = "bell, one sender's transaction open"
CREATE_SILENT: Final[LiteralString] = "SELECT pgmq.create('silent')"
SCRIPT: Final = (
    "SELECT pgmq.send('{queue}', jsonb_build_object('n', 1, 'text', repeat('x', 200)));\n"
)
RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Send with pgbench: without a trigger, with the doorbell, and beside an open sender."""
    rounds: dict[str, list[float]] = {SILENT: [], BELL: [], OPEN: []}
    with database(admin_dsn, NAME) as dsn:
        asyncio.run(_create(dsn))
        for number in range(sizes.rounds):
            rounds[SILENT].append(_send(dsn, SILENT, sizes.send_seconds))
            rounds[BELL].append(_send(dsn, BELL, sizes.send_seconds))
            with psycopg.connect(dsn) as conn:
                conn.execute(SEND, (BELL, "{}"))
                rounds[OPEN].append(_send(dsn, BELL, sizes.send_seconds, conn))
                conn.rollback()
            say(f"{NAME}, round {number + 1}: " + _last(rounds))
    results.add(NAME, UNIT, rounds)
    text = "doorbell / no trigger"
    results.at_least(NAME, text, ratio_of_rounds(rounds[BELL], rounds[SILENT]), 0.95)
    text = "doorbell beside an open sender / no trigger"
    results.at_least(NAME, text, ratio_of_rounds(rounds[OPEN], rounds[SILENT]), 0.95)


def _last(rounds: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {some[-1]:,.0f}" for name, some in rounds.items())


async def _create(dsn: str) -> None:
    await install_pgmq(dsn, BELL)
    async with connection(dsn) as conn:
        await conn.execute(CREATE_SILENT)


def _send(
    dsn: str, queue: str, seconds: int, open_sender: psycopg.Connection[Any] | None = None
) -> float:
    if open_sender is None:  # else its row keeps TRUNCATE out; the queue is short all the same
        asyncio.run(empty_queue(dsn, queue))
    asyncio.run(settle(dsn))
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
