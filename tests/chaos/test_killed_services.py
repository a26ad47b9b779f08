"""What is lost, doubled or dead-lettered when a process is killed at work: nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.system.running import Workspace, make_team

pytestmark = [pytest.mark.system, pytest.mark.chaos]

PATIENCE_SECONDS = 120.0
LEASED = "SELECT count(*) FROM pgmq.q_memory_ingestion WHERE read_ct > 0 AND vt > now()"
DEAD = "SELECT count(*) FROM pgmq.q_memory_ingestion_dlq"
COUNT = "MATCH (m:Memory {workspace_id: $w}) RETURN count(m) AS n"
SHAPE = (
    "MATCH (m:Memory {workspace_id: $w}) RETURN m.chunk_id AS chunk, "
    "COUNT { (m)-[:HAS_SUMMARY]->() } AS summaries, COUNT { (m)-[:PRECEDED_BY]->() } AS before, "
    "COUNT { (m)-[:CREATED_BY]->() } AS users ORDER BY chunk"
)


def ask(team: Workspace, sql: str) -> int:
    with psycopg.connect(team.environment["SUPASTATE_POSTGRES_DSN"]) as conn:
        row = conn.execute(sql.encode()).fetchone()
        return row[0] if row else 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(system: Workspace, sessions: Path) -> list[dict[str, object]]:
    """What the graph holds of an import that nothing disturbed."""
    team = make_team(system)
    team.run("import", "claude-code", str(sessions), "--wait")
    return team.query(SHAPE)


def test_an_ingest_worker_killed_in_the_middle_loses_and_doubles_nothing(
    system: Workspace, sessions: Path, undisturbed: list[dict[str, object]]
) -> None:
    team, dead = make_team(system), ask(system, DEAD)
    importing = team.start("import", "claude-code", str(sessions), "--wait", "--json")
    for _ in range(2):
        wait_until(lambda: ask(team, LEASED) > 0)
        system.stack.kill_service("ingest")
        left = ask(team, "SELECT count(*) FROM pgmq.q_memory_ingestion")
        system.stack.start_service("ingest")
        assert left > 0, "the kill came after the work"
    importing.communicate(timeout=300)
    assert team.query(SHAPE) == undisturbed
    assert ask(system, DEAD) == dead


def test_work_waits_while_neo4j_is_down_and_nothing_is_dead_lettered(
    system: Workspace, sessions: Path, undisturbed: list[dict[str, object]]
) -> None:
    team, dead = make_team(system), ask(system, DEAD)
    system.stack.kill_service("neo4j")
    try:
        team.start("import", "claude-code", str(sessions)).communicate(timeout=120)
        time_of_attempts = "SELECT coalesce(max(retry_count), 0) FROM pgmq.queue_memory_ingestion"
        wait_until(lambda: ask(team, "SELECT count(*) FROM pgmq.q_memory_ingestion") > 0)
        assert ask(team, time_of_attempts) == 0
    finally:
        system.stack.start_service("neo4j")
    wait_until(lambda: ask(team, "SELECT count(*) FROM pgmq.q_memory_ingestion") == 0)
    assert team.query(SHAPE) == undisturbed
    assert ask(system, DEAD) == dead
