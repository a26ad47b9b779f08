"""Fourteen real sessions through everything: what ends in the graph, and what a person reads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.system.running import Workspace, make_team
from tests.unit.sources.test_claude_samples import list_human_prompts

pytestmark = pytest.mark.system

TYPES = {"debugging", "learning"}
COUNT_ALL = (
    "MATCH (n {workspace_id: $w}) OPTIONAL MATCH (n)-[r]->() "
    "RETURN count(DISTINCT n) + count(r) AS n"
)
CHUNKS = "MATCH (m:Memory {workspace_id: $w}) RETURN m.chunk_id AS chunk_id"


@pytest.fixture(scope="module")
def imported(system: Workspace, sessions: Path) -> Workspace:
    """A workspace with the sessions in it, once the queues have drained."""
    team = make_team(system)
    team.run("import", "claude-code", str(sessions), "--wait")
    return team


def test_every_human_prompt_is_in_the_graph_exactly_once(imported: Workspace) -> None:
    chunks = Counter(row["chunk_id"].split(":")[1] for row in imported.query(CHUNKS))
    assert {uuid: chunks[uuid] for uuid in list_human_prompts()} == dict.fromkeys(
        list_human_prompts(), 1
    )


def test_each_memory_has_one_summary_a_session_and_a_project(imported: Workspace) -> None:
    lonely = imported.value(
        "MATCH (m:Memory {workspace_id: $w}) WHERE NOT EXISTS "
        "{ (m)-[:BELONGS_TO_PROJECT]->(:Project) } OR COUNT { (m)-[:HAS_SUMMARY]->() } <> 1 "
        "RETURN count(m) AS n"
    )
    assert lonely == 0


def test_sessions_are_chains_in_order_of_time(imported: Workspace) -> None:
    memories, sessions = imported.query(
        "MATCH (m:Memory {workspace_id: $w}) "
        "RETURN count(m) AS m, count(DISTINCT m.session_id) AS s"
    )[0].values()
    links = imported.query(
        "MATCH (later:Memory {workspace_id: $w})-[r:PRECEDED_BY]->(earlier) "
        "RETURN r.gap >= 0 AND earlier.occurred_at <= later.occurred_at "
        "AND earlier.session_id = later.session_id AS right"
    )
    assert len(links) == memories - sessions
    assert all(link["right"] for link in links)


def test_eight_peoples_checkouts_are_one_project(imported: Workspace) -> None:
    names = imported.query("MATCH (p:Project {workspace_id: $w}) RETURN p.name AS name")
    assert names == [{"name": "cli"}]


def test_a_second_import_adds_nothing(imported: Workspace, sessions: Path) -> None:
    before = imported.value(COUNT_ALL)
    imported.run("import", "claude-code", str(sessions), "--wait")
    assert imported.value(COUNT_ALL) == before


def test_debugging_and_learning_are_found_with_evidence(imported: Workspace) -> None:
    rows = imported.query(
        "MATCH (p:Pattern {workspace_id: $w})-[:FOUND_IN]->(s:EntitySummary {workspace_id: $w}) "
        "RETURN p.type AS type, p.frequency AS frequency, count(s) AS evidence, p.id AS id"
    )
    assert {row["type"] for row in rows} >= TYPES
    assert all(row["evidence"] == row["frequency"] for row in rows)


def test_the_command_line_shows_patterns_summaries_and_finds_memories(imported: Workspace) -> None:
    assert imported.run("patterns")
    assert imported.run("summaries")
    assert imported.run("search", "global gitignore is not respected")


def test_another_team_sees_none_of_it(imported: Workspace, team: Workspace) -> None:
    assert imported.run("search", "gitignore")["count"] > 0
    assert team.run("search", "gitignore")["count"] == 0
    assert team.run("patterns") == {"patterns": [], "count": 0, "next": None}
    assert team.value(COUNT_ALL) == 0
