"""Memories and files to search and to look at, some of them hostile."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import measure
from shared.domain.entities import CodeEntity, Memory
from shared.embedding.wordllama import WordLlamaEmbedder
from shared.messages import Metadata
from tests.browser.world import World
from tests.integration.graph.builders import code, memory

CRASH: Final = UUID("00000000-0000-4000-8000-0000000c0001")
PARSER: Final = UUID("00000000-0000-4000-8000-0000000c0002")
HOSTILE: Final = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'
PATTERN: Final = "search-pattern"
NOTE_PATTERN: Final = """
MATCH (m:Memory {workspace_id: $workspace_id, id: $id})
CREATE (p:Pattern {workspace_id: $workspace_id, id: $pattern, type: 'debugging',
    name: 'debugging-session', project_name: 'shop', period: '2026-W19', period_type: 'week',
    confidence: 0.8, frequency: 3, metadata: '{"reason": "three memories"}',
    first_detected: datetime(), last_validated: datetime(), last_updated: datetime()})
CREATE (p)-[:DERIVED_FROM]->(m)
"""


async def seed(world: World) -> None:
    """Write what the pages Search and Graph show."""
    w = world.workspace_id
    said = [
        memory(w, f"{HOSTILE} The parser crashes on empty input", key=CRASH, metadata=_paths()),
        memory(w, "I fixed the crash of the parser", minutes=5, session="<b>s1</b>"),
        *(memory(w, f"step {n} of the login work", minutes=10 + n) for n in range(60)),
    ]
    files = [
        code(w, "shop/parser.py", f"def parse(text): ...\n# {HOSTILE}\n", key=PARSER),
        code(w, "shop/main.py", "from shop.parser import parse\n"),
    ]
    entities: list[Memory | CodeEntity] = [
        *(one.entity for one in said),
        *(f.entity for f in files),
    ]
    theirs = replace(said[0].entity, workspace_id=world.other_workspace_id)
    await write_batch(world.driver, await measure([*entities, theirs], WordLlamaEmbedder()))
    await world.driver.execute_query(NOTE_PATTERN, workspace_id=w, id=str(CRASH), pattern=PATTERN)


def _paths() -> Metadata:
    return {"filePaths": ["shop/parser.py"]}
