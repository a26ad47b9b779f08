"""Memories in the graph: once each, newest version, nothing half done."""

from __future__ import annotations

import json
from uuid import uuid4

from shared.domain.signals import measure_signals
from tests.integration.graph.builders import NOON, USER, memory
from tests.integration.graph.conftest import Query, Save

COUNT = """
MATCH (n {workspace_id: $workspace})
RETURN labels(n)[0] AS label, count(*) AS count ORDER BY label
"""
LINKS = """
MATCH (n {workspace_id: $workspace})-[r]->() RETURN type(r) AS type, count(*) AS count ORDER BY type
"""


async def test_a_memory_has_the_properties_of_the_schema(
    save: Save, query: Query, workspace: str
) -> None:
    one = memory(workspace, metadata={"topics": ["login"]})
    await save(one)

    [row] = await query("MATCH (m:Memory {workspace_id: $workspace}) RETURN properties(m) AS m")
    found = row["m"]
    assert found["id"] == str(one.entity.id)
    assert found["user_id"] == str(USER)
    assert found["content"] == one.entity.content
    assert found["occurred_at"].to_native() == NOON
    assert json.loads(found["metadata"]) == {"topics": ["login"]}
    assert found["embedding"] == one.embedding


async def test_a_memory_written_twice_stands_there_once(
    save: Save, query: Query, workspace: str
) -> None:
    one, two = memory(workspace), memory(workspace, minutes=1)
    await save(one, two)
    once = await query(COUNT), await query(LINKS)
    await save(two, one)

    assert (await query(COUNT), await query(LINKS)) == once
    assert once[0] == [
        {"label": "EntitySummary", "count": 2},
        {"label": "Memory", "count": 2},
        {"label": "Project", "count": 1},
        {"label": "Session", "count": 1},
        {"label": "User", "count": 1},
        {"label": "Workspace", "count": 1},
    ]


async def test_a_newer_version_replaces_an_older_one(
    save: Save, query: Query, workspace: str
) -> None:
    key = uuid4()
    await save(memory(workspace, "old words", key=key, metadata={"a": 1}))
    await save(memory(workspace, "new words", key=key, version=1, project="other"))

    rows = await query(
        """MATCH (s:EntitySummary)-[:SUMMARIZES]->(m:Memory {workspace_id: $workspace})
        MATCH (m)-[:HAS_SUMMARY]->(s) MATCH (m)-[:BELONGS_TO_PROJECT]->(p)
        RETURN m.content AS content, m.metadata AS metadata, s.project_name AS s, p.name AS p"""
    )
    assert rows == [{"content": "new words", "metadata": "{}", "s": "other", "p": "other"}]


async def test_an_older_version_never_overwrites_a_newer_one(
    save: Save, query: Query, workspace: str
) -> None:
    key = uuid4()
    await save(memory(workspace, "new words", key=key, version=1))
    await save(memory(workspace, "old words", key=key, session="s2", project="other"))

    rows = await query(
        """MATCH (m:Memory {workspace_id: $workspace})-[:HAS_SUMMARY]->(s)
        MATCH (m)-[:BELONGS_TO_PROJECT]->(p)
        RETURN m.content AS content, m.session_id AS session,
               p.name AS project, s.project_name AS s"""
    )
    assert rows == [{"content": "new words", "session": "s1", "project": "shop", "s": "shop"}]


async def test_a_summary_carries_its_signals_as_properties(
    save: Save, query: Query, workspace: str
) -> None:
    one = memory(workspace, "fix: the login crashed with an error")
    await save(one)

    [row] = await query(
        "MATCH (s:EntitySummary {workspace_id: $workspace}) RETURN properties(s) AS s"
    )
    signals = measure_signals(one.entity.content)
    found = row["s"]
    assert found["id"] == f"memory:{one.entity.id}"
    assert found["entity_type"] == "memory"
    assert found["is_debugging"] is True
    assert json.loads(found["keyword_frequencies"]) == signals.keyword_frequencies
    assert json.loads(found["pattern_signals"]) == signals.pattern_signals
    assert found["processed_at"] is not None


async def test_a_memory_without_session_and_project_is_kept(
    save: Save, query: Query, workspace: str
) -> None:
    await save(memory(workspace, session=None, project=None))

    labels = [row["label"] for row in await query(COUNT)]
    assert labels == ["EntitySummary", "Memory", "User", "Workspace"]


async def test_the_same_ids_in_two_workspaces_never_touch(
    save: Save, query: Query, workspace: str
) -> None:
    other = f"user:{workspace.partition(':')[2]}"
    keys = [uuid4(), uuid4()]
    try:
        for owner in (workspace, other):
            await save(*(memory(owner, minutes=i, key=key) for i, key in enumerate(keys)))
        across = await query(
            "MATCH (a {workspace_id: $workspace})--(b) WHERE b.workspace_id <> $workspace RETURN b"
        )
        assert across == []
        for owner in (workspace, other):
            assert (await query(COUNT, workspace=owner))[1]["count"] == 2
    finally:
        await query("MATCH (n {workspace_id: $other}) DETACH DELETE n", other=other)
