"""Bad input, measured, written and looked at: no crash, and nothing is made of nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from time import monotonic
from typing import Final
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import measure
from shared.domain.entities import Entity, Memory
from shared.graph.patterns import Pattern
from shared.graph.removal import remove_entities
from shared.graph.search import search_memories
from tests.integration.patterns.pattern_builders import (
    ANNA,
    EMBEDDER,
    MONDAY,
    detect,
    list_patterns,
    memory,
    query,
)

FLOOD: Final = 10_000
BATCH: Final = 1_000
SECONDS_FOR_LOOK: Final = 45.0
SECONDS_FOR_ALL: Final = 150.0
"""Written and looked at: some 90 on two cores that a dozen of other processes want as well."""
ENDS_OF_TIME: Final = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, 14, tzinfo=timezone(timedelta(hours=14))),
    datetime(1, 1, 3, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    datetime(9999, 12, 30, 12, tzinfo=timezone(timedelta(hours=-12))),
)
"""Postgres stores no other times."""
STRANGE: Final = (
    "",
    " \n\t",
    "🙂🔥" * 50,
    "Исправил ошибку входа, потому что тест падал",
    "ログインのエラーを修正しました。原因はトークンの期限切れです。",
    "لقد أصلحت الخطأ في تسجيل الدخول",
    "\u202eerror\u202c \ufeff\u200d fix",
    "a" * 200_000,
    "{{{{{{" * 1_000,
    "def parse_price(text):\n    return Decimal(text)\n\n\nclass Price:\n    pass\n",
)


async def write(driver: AsyncDriver, entities: Sequence[Entity]) -> None:
    """Write entities as the ingest service does, batch by batch."""
    for start in range(0, len(entities), BATCH):
        measured = await measure(entities[start : start + BATCH], EMBEDDER)
        await write_batch(driver, measured)


def said(workspace: str, name: str, content: str, at: datetime = MONDAY) -> Memory:
    return memory(workspace, name, content, at=at).entity


async def found(driver: AsyncDriver, workspace: str) -> list[Pattern]:
    """Return what detection finds; looking again finds the same."""
    await detect(driver, workspace)
    patterns = await list_patterns(driver, workspace, limit=1_000)
    await detect(driver, workspace)
    again = await list_patterns(driver, workspace, limit=1_000)
    assert [(p.id, p.frequency) for p in again] == [(p.id, p.frequency) for p in patterns]
    return patterns


async def test_an_empty_workspace_has_no_patterns(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    assert await found(neo4j_driver, workspace) == []


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
async def test_one_memory_is_no_pattern_whatever_it_says(
    neo4j_driver: AsyncDriver, workspace: str, content: str
) -> None:
    await write(neo4j_driver, [said(workspace, "only", content)])
    assert await found(neo4j_driver, workspace) == []


async def test_texts_without_words_or_in_other_languages_do_no_harm_to_those_beside_them(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    odd = [said(workspace, f"o{n}", text) for n, text in enumerate(STRANGE)]
    day = [said(workspace, f"m{n}", "Fixed an error in the login") for n in range(6)]
    await write(neo4j_driver, [*odd, *day])
    counted = {p.name: p.frequency for p in await found(neo4j_driver, workspace)}
    assert counted["debugging-session-semantic"] >= len(day)
    assert all(count <= len(odd) + len(day) for count in counted.values())


@pytest.mark.parametrize("at", ENDS_OF_TIME, ids=str)
async def test_a_time_at_the_end_of_all_times_is_survived(
    neo4j_driver: AsyncDriver, workspace: str, at: datetime
) -> None:
    texts = ["Fixed an error in the login"] * 8
    await write(neo4j_driver, [said(workspace, f"m{n}", text, at) for n, text in enumerate(texts)])
    patterns = await found(neo4j_driver, workspace)
    assert all(p.frequency <= len(texts) for p in patterns)
    # What lies ahead is no work that was done; nor is anything looked for in the year 1.
    assert bool(patterns) == (at.year == 1970)


async def test_odd_offsets_are_one_day_by_utc(neo4j_driver: AsyncDriver, workspace: str) -> None:
    offsets = [timezone(timedelta(minutes=minutes)) for minutes in (-765, -1, 0, 1, 345, 840)]
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    texts = [
        said(workspace, f"m{n}", "Fixed an error in the login", noon.astimezone(zone))
        for n, zone in enumerate(offsets)
    ]
    await write(neo4j_driver, texts)
    patterns = await found(neo4j_driver, workspace)
    assert max(p.frequency for p in patterns if p.type == "debugging") == len(offsets)
    assert {p.period[:8] for p in patterns} <= {"2026-W02", "2026-01-"}


async def test_identical_texts_can_be_changed_removed_searched_and_looked_at(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    """Binary quantization fails here: a segment of equal vectors with a deleted one."""
    (vector,) = await EMBEDDER.embed(["Fixed an error in the login"])
    for turn in range(12):
        batch = [
            replace(
                said(workspace, f"m{turn % 4}-{n}", "Fixed an error in the login"),
                updated_at=MONDAY + timedelta(days=turn),
            )
            for n in range(1 + turn % 3)
        ]
        await write(neo4j_driver, batch)
        await remove_entities(neo4j_driver, workspace, memory_ids=[batch[0].id])
        assert await search_memories(neo4j_driver, workspace, vector, limit=50) is not None
        await detect(neo4j_driver, workspace)
    left = await query(
        neo4j_driver, "MATCH (m:Memory {workspace_id: $w}) RETURN count(m) AS n", w=workspace
    )
    counts = [p.frequency for p in await found(neo4j_driver, workspace) if p.type == "debugging"]
    assert counts == [left[0]["n"]]


async def test_a_memory_without_project_session_or_vector_is_looked_at(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    bare = [
        replace(said(workspace, f"m{n}", "Fixed an error"), project_name=None, session_id=None)
        for n in range(8)
    ]
    await write(neo4j_driver, bare)
    await query(
        neo4j_driver,
        "MATCH (n {workspace_id: $w}) WHERE n:EntitySummary OR n:Memory REMOVE n.embedding",
        w=workspace,
    )
    patterns = await found(neo4j_driver, workspace)
    assert ("debugging-session", "", len(bare)) in {
        (p.name, p.project_name, p.frequency) for p in patterns
    }


async def test_ten_thousand_memories_in_one_minute_are_written_and_looked_at_in_time(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    texts = ["Fixed an error in the login", "I learned how the queue works", "Sells tea"]
    flood = [
        replace(
            said(workspace, f"m{n}", f"{texts[n % 3]} {n}", MONDAY + timedelta(milliseconds=6 * n)),
            session_id=f"s{n // 50}",
            user_id=ANNA,
            id=uuid4(),
        )
        for n in range(FLOOD)
    ]
    began = monotonic()
    await write(neo4j_driver, flood)
    written = monotonic()
    await detect(neo4j_driver, workspace, limit=FLOOD)
    looked = monotonic()
    patterns = await list_patterns(neo4j_driver, workspace, limit=1_000)
    print(f"wrote {FLOOD} in {written - began:.1f} s, looked in {looked - written:.1f} s")
    assert looked - written < SECONDS_FOR_LOOK
    assert looked - began < SECONDS_FOR_ALL
    assert patterns
    assert all(p.frequency <= FLOOD and len(p.evidence) <= 200 for p in patterns)
