"""Patterns and projects as detection and the summaries worker leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.browser.world import World
from tests.integration.patterns.pattern_builders import detect, memory, save

PROJECT: Final = "shop/checkout"
HOSTILE: Final = "<img src=x onerror=alert(1)>'\"{{7*7}}"
SAID: Final = "The team decided to use one queue instead of three."
WEEKS: Final = 8
LOOKED_OTHERWISE: Final = """
MATCH (d:DetectionMark {workspace_id: $workspace_id, type: 'debugging'})
SET d.methods = ['rules 1'] + d.methods,
    d.methods_since = [datetime() - duration('P30D')] + d.methods_since
"""
INSERT: Final = """
INSERT INTO memories (id, workspace_id, user_id, chunk_id, session_id, project_name, content,
                      content_hash, occurred_at)
VALUES (%s, %s, %s, %s, 'session', %s, %s, '', %s)
"""
ORDINARY: Final = """
INSERT INTO memories (workspace_id, user_id, chunk_id, project_name, content, content_hash,
                      occurred_at)
SELECT %s, %s, 'ordinary:' || %s || ':' || n || ':' || project, project, 'Added a page.', '', day
FROM (VALUES (%s, %s::timestamptz)) AS one (project, day), generate_series(1, %s) AS n
"""
SUMMARY: Final = """
INSERT INTO project_summaries (workspace_id, project_name, summary, model, memories_included,
                               source_ids, first_memory_timestamp, last_memory_timestamp)
SELECT workspace_id, project_name, %s, 'extractive', count(*), array_agg(id), min(occurred_at),
       max(occurred_at)
FROM (SELECT * FROM memories WHERE workspace_id = %s AND project_name = %s
      ORDER BY occurred_at DESC LIMIT 6) AS newest
GROUP BY 1, 2
"""


async def seed(world: World) -> None:
    """Write a day of debugging in every other week, in two projects, and find the patterns."""
    for project in (PROJECT, HOSTILE):
        memories = [
            memory(
                world.workspace_id,
                f"{project}{week}.{n}",
                f"Fixed an error in the login, attempt {n}. {SAID} {HOSTILE}",
                at=_day(week) + timedelta(minutes=n),
                project=project,
                user=world.user_id,
            )
            for week in range(0, WEEKS, 2)
            for n in range(6)
        ]
        await save(world.driver, *memories)
        for one in (measured.entity for measured in memories):
            await world.conn.execute(
                INSERT,
                (one.id, one.workspace_id, one.user_id, one.chunk_id, project, one.content,
                 one.occurred_at),
            )  # fmt: skip
        for week in range(WEEKS):
            # What no pattern stands on: the rate differs from week to week.
            await world.conn.execute(
                ORDINARY, (world.workspace_id, world.user_id, week, project, _day(week), week * 4)
            )
        await world.conn.execute(
            SUMMARY, (f"A shop's checkout. {HOSTILE}", world.workspace_id, project)
        )
    await detect(world.driver, world.workspace_id, ["debugging", "temporal"])
    await world.driver.execute_query(LOOKED_OTHERWISE, workspace_id=world.workspace_id)


def _day(weeks_ago: int) -> datetime:
    monday = datetime.now(UTC) - timedelta(days=datetime.now(UTC).weekday(), weeks=weeks_ago)
    return monday.replace(hour=0, minute=1)
