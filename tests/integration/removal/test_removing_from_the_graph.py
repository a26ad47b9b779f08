"""What is removed leaves nothing behind: no node, no gap in its session, no pattern made of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from neo4j import WRITE_ACCESS, AsyncDriver

from shared.graph.driver import open_session
from shared.graph.owners import lock_projects
from shared.graph.removal import remove_entities
from tests.integration.patterns.pattern_builders import detect, list_patterns, memory, query, save
from tests.integration.patterns.waiting import until_it_waits
from tests.integration.removal.conftest import (
    Conn,
    Handle,
    labels,
    remove,
    remove_files,
    store,
    store_files,
)

DAY = [f"m{number}" for number in range(8)]
CHAIN = """
MATCH (later:Memory {workspace_id: $workspace})-[:PRECEDED_BY]->(earlier)
RETURN later.chunk_id + '>' + earlier.chunk_id AS link ORDER BY link
"""
TOUCH = "MATCH (m:Memory {workspace_id: $workspace, id: $id}) SET m.touched = true"
IMPORTS = """
MATCH (a:CodeEntity {workspace_id: $workspace})-[:IMPORTS]->(b) RETURN a.path AS a, b.path AS b
"""


async def test_a_removed_memory_leaves_its_summary_and_links_nowhere(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await handle(await store(conn, workspace, "a", "b", "c"))
    await handle([await remove(conn, workspace, "b")])

    assert await labels(neo4j_driver, workspace) == {"Memory": 2, "EntitySummary": 2, "Removal": 1}
    assert await query(neo4j_driver, CHAIN, workspace=workspace) == [{"link": "c>a"}]


async def test_a_hole_of_several_memories_is_closed(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await handle(await store(conn, workspace, "a", "b", "c", "d", "e"))
    await handle([await remove(conn, workspace, "c", "b", "e")])
    assert await query(neo4j_driver, CHAIN, workspace=workspace) == [{"link": "d>a"}]

    await handle([await remove(conn, workspace, "a")])
    assert await query(neo4j_driver, CHAIN, workspace=workspace) == []


async def test_a_pattern_loses_the_evidence_that_was_removed_and_then_goes(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await handle(await store(conn, workspace, *DAY))
    await detect(neo4j_driver, workspace, ["debugging"])
    (before,) = await list_patterns(neo4j_driver, workspace, types=["debugging"])
    assert before.frequency == len(DAY)

    outcome = await handle([await remove(conn, workspace, "m0")])
    assert [one.body.workspace_id for one in outcome.detections] == [workspace]
    await detect(neo4j_driver, workspace, ["debugging"])
    (pattern,) = await list_patterns(neo4j_driver, workspace, types=["debugging"])
    assert (pattern.id, pattern.frequency) == (before.id, len(DAY) - 1)
    assert len(pattern.evidence) == len(DAY) - 1

    await handle([await remove(conn, workspace, *DAY)])
    await detect(neo4j_driver, workspace, [])
    assert await labels(neo4j_driver, workspace) == {}


async def test_a_removed_file_leaves_nothing_that_it_defined(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    code = "class Price:\n    pass\n\ndef parse_price():\n    pass\n"
    await handle(await store_files(conn, workspace, {"shop/prices.py": code}))
    assert {"Function", "Class"} <= (await labels(neo4j_driver, workspace)).keys()
    await handle([await remove_files(conn, workspace, "shop/prices.py")])
    assert await labels(neo4j_driver, workspace) == {"Removal": 1}


async def test_who_imported_a_removed_file_imports_what_the_name_means_now(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    user = "from shop import prices\n"
    files = {"main.py": user, "shop/prices.py": "X = 1", "shop/__init__.py": "Y = 1"}
    await handle(await store_files(conn, workspace, files))
    assert {"a": "main.py", "b": "shop/prices.py"} in await query(
        neo4j_driver, IMPORTS, workspace=workspace
    )
    await handle([await remove_files(conn, workspace, "shop/prices.py")])
    assert await query(neo4j_driver, IMPORTS, workspace=workspace) == [
        {"a": "main.py", "b": "shop/__init__.py"}
    ]


@pytest.mark.parametrize("twice", [False, True])
async def test_removing_what_is_not_there_changes_nothing(
    neo4j_driver: AsyncDriver, workspace: str, twice: bool
) -> None:
    own = memory(workspace, "a")
    await save(neo4j_driver, own)
    if twice:
        assert await remove_entities(neo4j_driver, workspace, memory_ids=[own.entity.id] * 2) == 1
    before = await query(neo4j_driver, "MATCH (n {workspace_id: $w}) RETURN n.id", w=workspace)
    missing = [own.entity.id] if twice else [uuid4()]
    assert await remove_entities(neo4j_driver, workspace, memory_ids=missing) == 0
    assert await remove_entities(neo4j_driver, workspace, code_ids=[own.entity.id]) == 0
    assert (
        await query(neo4j_driver, "MATCH (n {workspace_id: $w}) RETURN n.id", w=workspace) == before
    )


async def test_another_workspace_with_the_same_ids_keeps_everything(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    own = memory(workspace, "a")
    await save(neo4j_driver, own)
    assert await remove_entities(neo4j_driver, f"team:{uuid4()}", memory_ids=[own.entity.id]) == 0
    assert (await labels(neo4j_driver, workspace))["Memory"] == 1


async def test_thousands_are_removed_in_batches(neo4j_driver: AsyncDriver, workspace: str) -> None:
    many = [memory(workspace, f"m{n}", hours=n / 60) for n in range(2_500)]
    await save(neo4j_driver, *many)
    ids: list[UUID] = [one.entity.id for one in many]
    assert await remove_entities(neo4j_driver, workspace, memory_ids=ids) == len(ids)
    assert await labels(neo4j_driver, workspace) == {"Removal": len(ids)}
    await detect(neo4j_driver, workspace, [])
    assert await labels(neo4j_driver, workspace) == {}


async def test_a_removal_waits_for_a_project_without_a_name_before_it_holds_anything(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    """Else it and a writer, who waits for what it holds, would wait in a circle."""
    unnamed = memory(workspace, "unnamed", project="")
    await save(neo4j_driver, unnamed)
    key = {"workspace": workspace, "id": str(unnamed.entity.id)}
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx: Any = await session.begin_transaction()
        await lock_projects(tx, workspace, [""])
        removal = remove_entities(neo4j_driver, workspace, memory_ids=[unnamed.entity.id])
        removing = await until_it_waits(neo4j_driver, removal)
        await (await tx.run(TOUCH, key)).consume()
        await tx.commit()

    assert await removing == 1
