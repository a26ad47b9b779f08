"""Real Claude Code sessions yield patterns that a reader finds true."""

from __future__ import annotations

from pathlib import Path

from neo4j import AsyncDriver

from tests.integration.patterns.pattern_builders import detect, list_patterns, save
from tests.integration.patterns.real_sessions import measured


async def test_fourteen_sessions_have_patterns_that_are_true(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace)
    found = {
        (pattern.name, pattern.period): " ".join(evidence.excerpt for evidence in pattern.evidence)
        for pattern in await list_patterns(neo4j_driver, workspace)
    }

    errors = found["debugging-session-semantic", "2026-W05"]
    assert "I'm currently getting this error" in errors
    assert "the following error when starting" in found["problem-solution", "2026-01-07"]
    assert "an unexported lookPath" in found["research-implementation", "2026-W07"]


async def test_fourteen_sessions_have_topics_that_a_reader_recognises(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace, ["semantic"])
    found = await list_patterns(neo4j_driver, workspace, types=["semantic"])
    keywords = {word for pattern in found for word in pattern.metadata["keywords"]}
    assert {"gitignore", "harness"} <= keywords
