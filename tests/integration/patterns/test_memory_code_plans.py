"""Links and discussed files are found by indexes that start with the workspace."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest
from neo4j import AsyncDriver

from shared.graph import memory_code_patterns, references, similar_code
from tests.integration.patterns.code_builders import file, ingest, said
from tests.integration.patterns.pattern_builders import detect, memory
from tests.integration.patterns.test_pattern_plans import details, operators, profile

STRANGERS = 300
LOOK: dict[str, LiteralString] = {
    "alike": similar_code.FIND_ALIKE,
    "near memories": similar_code.FIND_NEAR_MEMORIES,
    "tied memories": similar_code.FIND_TIED_MEMORIES,
    "read ties": similar_code.READ_TIED,
    "untie": similar_code.UNTIE,
    "tie": similar_code.TIE,
    "trim": similar_code.TRIM_FILES,
    "files of memories": memory_code_patterns.FIND_FILES_OF_MEMORIES,
    "discussed of projects": memory_code_patterns.FIND_DISCUSSED_OF_PROJECTS,
    "discussed": memory_code_patterns.READ_DISCUSSED,
    "files": memory_code_patterns.READ_FILES,
    "mentions": memory_code_patterns.READ_MENTIONS,
    "remember": memory_code_patterns.REMEMBER,
    "forget": memory_code_patterns.FORGET,
}
INGEST: dict[str, LiteralString] = {
    "find code": references.FIND_CODE,
    "find memories": references.FIND_MEMORIES,
    "namesakes": references.FIND_NAMESAKES,
    "count": references.COUNT_FILES_OF_NAME,
    "forget paths": references.FORGET_PATHS,
    "forget names of memories": references.FORGET_NAMES_OF_MEMORIES,
    "forget names of code": references.FORGET_NAMES_OF_CODE,
    "forget shared names": references.FORGET_SHARED_NAMES,
    "link": references.LINK_REFERENCES,
}


@pytest.fixture
async def crowded(neo4j_driver: AsyncDriver, workspace: str) -> str:
    """A workspace in which few of many memories speak of code."""
    await ingest(neo4j_driver, *(memory(workspace, f"p{n}", "tea") for n in range(STRANGERS)))
    few = [said(workspace, f"m{n}", paths=["src/login.py"]) for n in range(3)]
    await ingest(neo4j_driver, file(workspace), *few)
    await detect(neo4j_driver, workspace)
    return workspace


def values(workspace: str) -> dict[str, Any]:
    """Return what the statements are asked with."""
    code, one = file(workspace), said(workspace, "m0")
    pair = {"memory_id": str(one.entity.id), "code_id": str(code.entity.id), "similarity": 0.9}
    row = pair | {
        "id": str(code.entity.id),
        "workspace_id": workspace,
        "project_name": "shop",
        "path": "src/login.py",
        "paths": ["src/login.py"],
        "names": ["login.py"],
        "matched_name": "login.py",
        "detection_method": "name_match",
        "query": code_terms(workspace),
    }
    return {
        "workspace_id": workspace,
        "memories": [str(one.entity.id)],
        "files": [str(code.entity.id)],
        "rows": [row],
        "projects": ["shop"],
        "candidates": 25,
        "score": 0.8,
        "most": 25,
        "limit": 25,
    }


def code_terms(workspace: str) -> str:
    return references.mentions_of_code(file(workspace).entity, ()).question()["query"]


@pytest.mark.parametrize("statement", [*LOOK.values(), *INGEST.values()], ids=[*LOOK, *INGEST])
async def test_nothing_is_scanned(
    neo4j_driver: AsyncDriver, crowded: str, statement: LiteralString
) -> None:
    found = await profile(neo4j_driver, statement, **values(crowded))

    assert not [name for name in operators(found) if "Scan" in name]
    # One Lucene call or index seek a row, whatever else the workspace holds.
    assert sum(step["args"].get("DbHits", 0) for step in found) < STRANGERS


@pytest.mark.parametrize("name", ["alike", "near memories"])
async def test_what_is_alike_is_found_by_the_vector_index(
    neo4j_driver: AsyncDriver, crowded: str, name: str
) -> None:
    found = await profile(neo4j_driver, LOOK[name], **values(crowded))

    assert "entity_summary_neighbours" in details(found)


@pytest.mark.parametrize("name", ["tied memories", "trim"])
async def test_ties_of_a_file_are_found_by_their_own_index(
    neo4j_driver: AsyncDriver, crowded: str, name: str
) -> None:
    found = await profile(neo4j_driver, LOOK[name], **values(crowded))

    assert "DirectedRelationshipIndexSeek" in operators(found)
