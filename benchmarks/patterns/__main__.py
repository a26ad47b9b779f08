"""Says how true the patterns of activity are: `make bench-patterns`; exits 1 where they fall short.

Each stored pattern of debugging, learning or refactoring must be true in 80 % of its evidence, in
the sample sessions and in the labelled episodes. `unseen` tells how far that is to be trusted
where no memory was ever trained on; there the intervals decide nothing yet: too few are labelled.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from benchmarks.patterns.corpora import Half
from benchmarks.patterns.measuring import Outcome, measure_all
from benchmarks.patterns.truth import ACTIVITIES, LEAST, Share, evidence_share
from cli.local_stack import LocalStack
from shared.graph.driver import connect
from shared.graph.migrate import migrate

GIVEN = ("SUPASTATE_TEST_NEO4J_URI", "SUPASTATE_TEST_NEO4J_USER", "SUPASTATE_TEST_NEO4J_PASSWORD")


def main() -> int:
    """Return 0 if each pattern of the shipped model is true enough, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patterns", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    shared: Path = parser.parse_args().shared
    logging.disable(logging.INFO)
    with _graph() as server:
        outcomes = asyncio.run(_measure(server, shared))
    for outcome in outcomes:
        print("\n".join(_lines(outcome)), end="\n\n")
    short = short_of_goal(outcomes)
    print("\n".join(short) if short else f"Each shipped pattern is at least {LEAST:.0%} true.")
    return 1 if short else 0


def short_of_goal(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what falls short of the goal, a line each."""
    return [
        f"{outcome.name}: {p.name} {p.period} is true in {p.share} of its evidence."
        for outcome in outcomes
        if outcome.is_shipped
        for p in outcome.patterns
        if p.share.value < LEAST
    ]


async def _measure(server: tuple[str, str, str], shared: Path) -> list[Outcome]:
    await migrate(*server)
    async with connect(*server) as driver:
        return await measure_all(driver, shared)


@contextmanager
def _graph() -> Iterator[tuple[str, str, str]]:
    """Yield a graph server's address and login: the one that is named, or one for this run."""
    if all(name in os.environ for name in GIVEN):
        yield (os.environ[GIVEN[0]], os.environ[GIVEN[1]], os.environ[GIVEN[2]])
        return
    with tempfile.TemporaryDirectory() as home:
        stack = LocalStack(Path(home))
        stack.start_servers()
        try:
            names = stack.settings()
            yield (
                names["SUPASTATE_NEO4J_URI"],
                names["SUPASTATE_NEO4J_USER"],
                names["SUPASTATE_NEO4J_PASSWORD"],
            )
        finally:
            stack.delete_data()


def _lines(outcome: Outcome) -> Iterator[str]:
    own = sum(one.is_own_label for one in outcome.corpus)
    yield f"## {outcome.name}: {len(outcome.corpus)} memories, {own} labelled for this measurement"
    for p in outcome.patterns:
        yield f"- {p.name} {p.period}: {p.share}"
    everything = frozenset(str(one.memory.id) for one in outcome.corpus)
    for activity in ACTIVITIES:
        patterns = [p for p in outcome.patterns if p.type == activity]
        good = Share(sum(p.share.value >= LEAST for p in patterns), len(patterns))
        yield f"{activity}: patterns {good}; their evidence {evidence_share(patterns, everything)}"
        halves = (f"{half} {outcome.sure[activity, half]}" for half in get_args(Half))
        yield f"  sure memories: all {outcome.sure_of_all(activity)}; {'; '.join(halves)}"


if __name__ == "__main__":
    sys.exit(main())
