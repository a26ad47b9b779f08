"""Says how true the patterns of activity are: `make bench-patterns`; exits 1 where they fall short.

Gates, each at 80 %: every pattern of debugging, learning or refactoring that the imported sample
sessions yield; the evidence of all patterns of an activity that the labelled episodes yield; and
the memories that may be evidence there, by models that were trained without their sessions.
Episodes are single turns of sessions, so their patterns are few and small: the single ones that
fall short are listed, and count with `--strict`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from benchmarks.patterns_quality.commits import measure_commits
from benchmarks.patterns_quality.corpora import Half
from benchmarks.patterns_quality.measuring import Outcome, measure_all
from benchmarks.patterns_quality.truth import ACTIVITIES, LEAST, Share, evidence_share
from cli.local_stack import LocalStack
from shared.graph.driver import connect
from shared.graph.migrate import migrate

GIVEN = ("SUPASTATE_TEST_NEO4J_URI", "SUPASTATE_TEST_NEO4J_USER", "SUPASTATE_TEST_NEO4J_PASSWORD")


class Options(argparse.Namespace):
    """What the command line says."""

    shared: Path
    strict: bool


def main() -> int:
    """Return 0 if the patterns are true enough, else 1."""
    parser = argparse.ArgumentParser(prog="make bench-patterns", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args(namespace=Options())
    logging.disable(logging.INFO)
    with _graph() as server:
        outcomes = asyncio.run(_measure(server, options.shared))
    for outcome in outcomes:
        print("\n".join(_lines(outcome)), end="\n\n")
    print("## commits whose prefix was cut off", *measure_commits(options.shared), sep="\n")
    missed, single = missed_gates(outcomes), short_patterns(outcomes)
    print("\n".join(f"Single pattern below {LEAST:.0%}: {line}" for line in single))
    print("\n".join(f"MISSED: {line}" for line in missed) or "All gates are met.")
    return 1 if missed or (options.strict and single) else 0


def short_patterns(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the single patterns that fall short, a line each."""
    return [
        f"{outcome.name}: {p.name} {p.period} is true in {p.share}"
        for outcome in outcomes
        for p in outcome.patterns
        if p.share.value < LEAST
    ]


def missed_gates(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the gates that are missed, a line each."""
    found = short_patterns([one for one in outcomes if one.is_complete])
    for one in outcomes:
        everything = frozenset(str(labelled.memory.id) for labelled in one.corpus)
        for activity in ACTIVITIES:
            share = one.sure_of_all(activity)
            if one.is_shipped:
                own = [pattern for pattern in one.patterns if pattern.type == activity]
                share = evidence_share(own, everything)
            if not one.is_complete and share.value < LEAST:
                found.append(f"{one.name}: evidence of {activity} is true in {share}")
    return found


async def _measure(server: tuple[str, str, str], shared: Path) -> list[Outcome]:
    await migrate(*server)
    async with connect(*server) as driver:
        return await measure_all(driver, shared)


@contextmanager
def _graph() -> Generator[tuple[str, str, str]]:
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
