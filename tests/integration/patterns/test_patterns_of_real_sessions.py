"""Real Claude Code sessions yield patterns of each type."""

from __future__ import annotations

from pathlib import Path

from neo4j import AsyncDriver

from shared.graph.patterns import list_patterns
from tests.integration.patterns.pattern_builders import detect, save
from tests.integration.patterns.real_sessions import measured


async def test_fourteen_sessions_have_a_pattern_of_each_type(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace)
    found = {pattern.type: pattern for pattern in await list_patterns(neo4j_driver, workspace)}

    assert found.keys() == {"debugging", "learning", "refactoring"}
    assert any("I'm currently getting this error" in e.excerpt for e in found["debugging"].evidence)
    assert any("common pattern in go?" in e.excerpt for e in found["learning"].evidence)
    assert any("Move help.go from commands" in e.excerpt for e in found["refactoring"].evidence)
