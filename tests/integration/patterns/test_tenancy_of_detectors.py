"""Random graphs in two workspaces with the same texts, vectors, users and projects: never mixed.

Whatever detectors there are, they are all run; what they may link is checked by what they leave.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import uuid4

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from neo4j import AsyncDriver

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.graph.driver import connect
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from shared.graph.removal import remove_entities
from shared.graph.search import search_memories
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.integration.graph.builders import USER, code
from tests.integration.patterns.pattern_builders import (
    ANNA,
    BEN,
    detect,
    direction,
    list_patterns,
    memory,
    query,
)

EXAMPLES: Final = 10
UUID_CHARACTERS: Final = 36
TEXTS: Final = (
    "Fixed an error in the login",
    "I learned how the queue works, let me understand it",
    "Refactored the parser to improve it",
    "Investigate why parse_price fails, and solve it",
    "Implemented parse_price in shop/prices.py as we researched",
    "Sells tea",
)
PATHS: Final = ("shop/prices.py", "shop/login.py", "queue.py")
CODE: Final = "def parse_price(text):\n    return text\n"
CROSSING = """
UNWIND $both AS own
MATCH (n {workspace_id: own})-[r]-(other)
WHERE other.workspace_id IS NULL OR other.workspace_id <> own
RETURN type(r) AS type, labels(n) AS ours, labels(other) AS theirs
"""
ALL = "MATCH (n {workspace_id: $w}) RETURN properties(n) AS properties"


@dataclass(frozen=True)
class Plan:
    """One memory of a random graph."""

    text: int
    topic: int
    hours: int
    is_annas: bool
    project: str | None
    session: str
    touches_file: bool
    in_both: bool


PLANS = st.lists(
    st.builds(
        Plan,
        text=st.integers(0, len(TEXTS) - 1),
        topic=st.integers(0, 2),
        hours=st.sampled_from([0, 0, 0, 1, 2, 25, 200]),
        is_annas=st.booleans(),
        project=st.sampled_from(["shop", "shop", "bank", None]),
        session=st.sampled_from(["s1", "s2"]),
        touches_file=st.booleans(),
        in_both=st.booleans(),
    ),
    min_size=8,
    max_size=40,
)


def measured(workspace: str, number: int, plan: Plan) -> MeasuredMemory:
    made = memory(
        workspace,
        f"m{number}",
        TEXTS[plan.text],
        hours=plan.hours + number / 100,
        topic=f"topic {plan.topic}",
        user=ANNA if plan.is_annas else BEN,
        project=plan.project,
    )
    paths: Any = {"filePaths": [PATHS[plan.topic]]} if plan.touches_file else {}
    entity = replace(made.entity, session_id=plan.session, metadata=paths)
    return replace(made, entity=entity, mentions=mentions_of_memory(entity))


async def fill(driver: AsyncDriver, workspace: str, plans: list[Plan], *, is_first: bool) -> None:
    batch = [
        measured(workspace, n, plan) for n, plan in enumerate(plans) if is_first or plan.in_both
    ]
    files = [code(workspace, path, CODE) for path in PATHS]
    await write_batch(driver, Measured(batch, files))


def texts_in(value: object) -> Iterator[str]:
    """Yield every text in a value, also those inside JSON texts."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            yield from texts_in(json.loads(value))
    elif isinstance(value, dict):
        for key, one in cast("dict[str, object]", value).items():
            yield key
            yield from texts_in(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from texts_in(one)


async def ids_of(driver: AsyncDriver, workspace: str) -> set[str]:
    found = await query(driver, ALL, w=workspace)
    return {
        str(row["properties"]["id"]) for row in found if len(str(row["properties"].get("id"))) >= 36
    }


async def check_apart(driver: AsyncDriver, both: tuple[str, str]) -> None:
    assert await query(driver, CROSSING, both=both) == []
    ours, theirs = [await ids_of(driver, workspace) for workspace in both]
    shared = {str(ANNA), str(BEN), str(USER)}
    assert ours & theirs <= shared
    for workspace, foreign in zip(both, (theirs - shared, ours - shared), strict=True):
        for row in await query(driver, ALL, w=workspace):
            said = {part for text in texts_in(row["properties"]) for part in parts_of(text)}
            assert not said & foreign, row
        for pattern in await list_patterns(driver, workspace, limit=1_000):
            assert pattern.workspace_id == workspace
            assert not {one.id for one in pattern.evidence} & foreign
        for number in range(3):
            found = await search_memories(
                driver, workspace, direction(f"topic {number}", "asked"), limit=100
            )
            assert not {one.id for one in found} & foreign


def parts_of(text: str) -> Iterator[str]:
    """Yield a text, and the id in it where it is a summary's."""
    yield text
    yield text.partition(":")[2]


async def summary_of(driver: AsyncDriver, workspace: str) -> list[tuple[Any, ...]]:
    found = await list_patterns(driver, workspace, limit=1_000)
    return sorted((p.type, p.name, p.project_name, p.period, p.frequency) for p in found)


async def run_example(server: Servers, plans: list[Plan]) -> None:
    both = (f"team:{uuid4()}", f"team:{uuid4()}")
    async with connect(server.neo4j_uri, server.neo4j_user, server.neo4j_password) as driver:
        try:
            await fill(driver, both[1], plans, is_first=False)
            await detect(driver, both[1])
            alone = await summary_of(driver, both[1])
            await fill(driver, both[0], plans, is_first=True)
            await asyncio.gather(*(detect(driver, workspace) for workspace in both))
            await check_apart(driver, both)
            # What the first one holds changes nothing in the second, and neither does its end.
            assert await summary_of(driver, both[1]) == alone
            ids = [measured(both[0], n, plan).entity.id for n, plan in enumerate(plans)]
            await remove_entities(driver, both[0], memory_ids=ids)
            await asyncio.gather(*(detect(driver, workspace) for workspace in both))
            await check_apart(driver, both)
            assert await summary_of(driver, both[1]) == alone
        finally:
            for workspace in both:
                await driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # an example takes seconds: to shrink one would take many minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plans=PLANS)
def test_two_workspaces_with_the_same_texts_never_meet(
    graph_server: Servers, plans: list[Plan]
) -> None:
    asyncio.run(run_example(graph_server, plans))
