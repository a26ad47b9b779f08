"""Measures the links between memories and code: `make bench-links`; exits 1 where they fall short.

SAMPLES is a folder of Claude Code sessions with a `commits.json`. Uses the Neo4j that
`SUPASTATE_TEST_NEO4J_URI` names, or a new one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.links.figures import Precision
from benchmarks.links.run import Figures, Sample, load_sample, measure_likeness_alone, measure_links
from cli.local_stack import LocalStack
from shared.embedding import WordLlamaEmbedder
from shared.graph.driver import connect
from shared.graph.migrate import migrate

DEFAULT_SAMPLES: Final = Path("../shared/samples/claude-code")
_NAMED: Final = "SUPASTATE_TEST_NEO4J"
_OWN: Final = "SUPASTATE_NEO4J"


def main() -> int:
    """Return 0 if every bound holds, else 1."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SAMPLES
    if not (folder / "commits.json").is_file():
        print(f"no commits.json in {folder}: name the folder, `make bench-links SAMPLES=…`")
        return 1
    logging.disable(logging.INFO)
    sample = load_sample(folder)
    with neo4j() as (uri, user, password):
        figures = asyncio.run(_measure(sample, uri, user, password))
    alone = asyncio.run(measure_likeness_alone(WordLlamaEmbedder(), sample))
    show(sample, figures, alone)
    for failure in figures.failures:
        print(f"MISSED: {failure}")
    return 1 if figures.failures else 0


async def _measure(sample: Sample, uri: str, user: str, password: str) -> Figures:
    await migrate(uri, user, password)
    async with connect(uri, user, password) as driver:
        return await measure_links(driver, WordLlamaEmbedder(), sample)


@contextmanager
def neo4j() -> Generator[tuple[str, str, str]]:
    """Yield address, user and password of a server."""
    if f"{_NAMED}_URI" in os.environ:
        yield _address(dict(os.environ), _NAMED)
        return
    with tempfile.TemporaryDirectory(prefix="bench-links-") as folder:
        stack = LocalStack(Path(folder))
        try:
            stack.start_servers()
            yield _address(stack.settings(), _OWN)
        finally:
            stack.delete_data()


def _address(names: dict[str, str], prefix: str) -> tuple[str, str, str]:
    return names[f"{prefix}_URI"], names.get(f"{prefix}_USER", "neo4j"), names[f"{prefix}_PASSWORD"]


def show(sample: Sample, figures: Figures, alone: Precision) -> None:
    """Print what was measured."""
    print(f"{len(sample.memories)} memories, {len(sample.files)} files, {len(figures.links)} links")
    print("\nprecision: right/of; 95 % interval")
    for one in (*figures.precision, alone):
        print(f"  {one.name}")
        print(f"    by the session's commits               {one.by_commits}")
        print(f"    by the memory's tool calls or commits  {one.by_memory}")
        print(f"    by the session's tool calls or commits {one.by_session}")
    print("\nrecall")
    for found in figures.recall:
        print(f"  {found.name}")
        print(f"    of (session, file of its commits)      {found.of_commits}")
        print(f"    of (memory, path of its tool calls)    {found.of_tool_calls}")
        print(f"    of (session, file that it read)        {found.of_session_calls}")
    for link in figures.links:
        if not sample.truth.by_session(link.pair):
            print(f"not right: {link}")


if __name__ == "__main__":
    sys.exit(main())
