"""The links of real sessions are right, and nearly all of them are found."""

from __future__ import annotations

from pathlib import Path

from neo4j import AsyncDriver

from benchmarks.links.run import load_sample, measure_links
from tests.integration.patterns.pattern_builders import EMBEDDER


async def test_links_of_fourteen_sessions_keep_the_bounds_in_any_order(
    neo4j_driver: AsyncDriver, samples: Path
) -> None:
    folder = samples / "claude-code"
    code_first = await measure_links(neo4j_driver, EMBEDDER, load_sample(folder), "code")
    memories_first = await measure_links(neo4j_driver, EMBEDDER, load_sample(folder), "memories")

    assert code_first.failures == []
    assert {one.name: one.by_session.of for one in code_first.precision}["similarity"] > 0
    assert [(one.pair, one.method) for one in memories_first.links] == [
        (one.pair, one.method) for one in code_first.links
    ]
