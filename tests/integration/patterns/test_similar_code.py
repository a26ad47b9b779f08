"""Memories are tied to alike files that share a sign, whichever arrives first."""

from __future__ import annotations

import pytest
from neo4j import AsyncDriver

from tests.integration.patterns.code_builders import LINKS, file, ingest, links, said
from tests.integration.patterns.pattern_builders import detect, query

MEMORY_CODE = ["memory_code"]


@pytest.mark.parametrize("code_first", [True, False])
async def test_a_memory_is_tied_to_a_file_that_is_alike_and_hinted_at(
    neo4j_driver: AsyncDriver, workspace: str, code_first: bool
) -> None:
    memory, code = said(workspace, "m"), file(workspace)
    for batch in [code, memory] if code_first else [memory, code]:
        await ingest(neo4j_driver, batch)
        await detect(neo4j_driver, workspace, MEMORY_CODE)

    [row] = await query(neo4j_driver, LINKS, workspace=workspace)
    assert (row["memory"], row["path"], row["method"]) == ("m", "src/login.py", "similarity")
    assert row["whole"]
    assert row["dated"]
    assert 0.9 < row["similarity"] < 0.95


@pytest.mark.parametrize(
    ("content", "topic"), [("the `weather` again", "login"), ("the `login` again", "weather")]
)
async def test_neither_likeness_nor_a_hint_is_enough_alone(
    neo4j_driver: AsyncDriver, workspace: str, content: str, topic: str
) -> None:
    await ingest(neo4j_driver, said(workspace, "m", content, topic=topic), file(workspace))
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert await query(neo4j_driver, LINKS, workspace=workspace) == []


async def test_a_name_of_two_files_ties_to_the_one_that_is_alike(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    files = [file(workspace, "api/user_form.py"), file(workspace, "old/user_form.py", topic="x")]
    await ingest(neo4j_driver, *files, said(workspace, "m", "user_form.py is slow"))
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    found = await query(neo4j_driver, LINKS, workspace=workspace)
    assert [(row["path"], row["method"]) for row in found] == [("api/user_form.py", "similarity")]


@pytest.mark.parametrize("changed", ["memory", "file"])
async def test_a_changed_side_forgets_what_is_alike_no_longer(
    neo4j_driver: AsyncDriver, workspace: str, changed: str
) -> None:
    await ingest(neo4j_driver, said(workspace, "m"), file(workspace))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert await links(neo4j_driver, workspace) == [("m", "src/login.py")]

    new = said(workspace, "m", topic="y", version=1)
    await ingest(
        neo4j_driver, new if changed == "memory" else file(workspace, topic="y", version=1)
    )
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert await query(neo4j_driver, LINKS, workspace=workspace) == []


async def test_a_nearer_file_that_arrives_later_takes_the_fifth_place(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    files = [file(workspace, f"{n}/login.py") for n in range(8)]
    await ingest(neo4j_driver, said(workspace, "m"), *files)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    at_once = await links(neo4j_driver, workspace)
    assert len(at_once) == 5

    other = f"user:{workspace.partition(':')[2]}"
    await ingest(neo4j_driver, said(other, "m"))
    for number in range(8):
        await ingest(neo4j_driver, file(other, f"{number}/login.py"))
        await detect(neo4j_driver, other, MEMORY_CODE)
    one_by_one = await links(neo4j_driver, other)
    await neo4j_driver.execute_query("MATCH (n {workspace_id: $w}) DETACH DELETE n", w=other)
    assert one_by_one == at_once


async def test_a_file_keeps_the_25_memories_most_alike(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await ingest(neo4j_driver, file(workspace))
    memories = [said(workspace, f"m{n:02}") for n in range(40)]
    for start in range(0, 40, 10):
        await ingest(neo4j_driver, *memories[start : start + 10])
        await detect(neo4j_driver, workspace, MEMORY_CODE)
    in_pieces = await links(neo4j_driver, workspace)
    assert len(in_pieces) == 25

    await ingest(neo4j_driver, *memories)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert await links(neo4j_driver, workspace) == in_pieces


async def test_a_memory_full_of_exact_references_is_tied_to_no_more(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    paths = [f"src/part_{n}.py" for n in range(23)]
    near = [file(workspace, f"{n}/login.py") for n in range(5)]
    await ingest(neo4j_driver, *(file(workspace, path, topic=path) for path in paths), *near)
    await ingest(neo4j_driver, said(workspace, "m", paths=paths))
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert len(await links(neo4j_driver, workspace, "tool_path")) == 23
    assert len(await links(neo4j_driver, workspace)) == 2


async def test_what_is_alike_gives_up_its_place_to_an_exact_reference(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    *early, late = [f"src/part_{n}.py" for n in range(21)]
    near = [file(workspace, f"{n}/login.py") for n in range(5)]
    await ingest(neo4j_driver, *(file(workspace, path, topic=path) for path in early), *near)
    await ingest(neo4j_driver, said(workspace, "m", paths=[*early, late]))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert len(await links(neo4j_driver, workspace)) == 5

    await ingest(neo4j_driver, file(workspace, late, topic=late))
    assert ("m", late) in await links(neo4j_driver, workspace, "tool_path")
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert len(await links(neo4j_driver, workspace, "tool_path")) == 21
    assert len(await links(neo4j_driver, workspace)) == 4


async def test_a_hundred_memories_get_at_most_a_hundred_new_ties(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    files = [file(workspace, f"{n}/login.py") for n in range(5)]
    await ingest(neo4j_driver, *files, *(said(workspace, f"m{n}") for n in range(24)))
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert len(await links(neo4j_driver, workspace)) == 100


async def test_nothing_is_tied_across_workspaces_or_projects(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    other = f"user:{workspace.partition(':')[2]}"
    await ingest(neo4j_driver, said(workspace, "m"), file(workspace, project="cafe"))
    await ingest(neo4j_driver, said(other, "m"), file(other))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    await detect(neo4j_driver, other, MEMORY_CODE)
    found = await query(neo4j_driver, LINKS, workspace=other)
    await neo4j_driver.execute_query("MATCH (n {workspace_id: $w}) DETACH DELETE n", w=other)

    assert await query(neo4j_driver, LINKS, workspace=workspace) == []
    assert [row["owner"] for row in found] == [other]
