"""What `supastate doctor` makes of servers that are expensive to break."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.doctor.findings import Finding
from cli.doctor.graph_checks import judge_graph_server, judge_indexes, judge_pending
from cli.doctor.machine_checks import LEAST_FREE_BYTES, judge_disk
from cli.doctor.postgres_checks import judge_roles, judge_server, judge_snapshot, judge_tables
from faststream_pgmq.health import QueueHealth, Snapshot
from shared.graph.checkup import GraphServer, UnreadyIndex
from shared.postgres.checkup import Server

ASKED = datetime(2026, 1, 5, 12, tzinfo=UTC)
ANSWERED = ASKED + timedelta(seconds=1)
BETWEEN = ASKED + timedelta(seconds=0.5)
GOOD = Server(180001, "18.1", True, None, BETWEEN, 100, 79, 2**20, False)
GRAPH = GraphServer("2026.08.1", "community", BETWEEN)
TABLE = QueueHealth("memory_ingestion", 1_000_000, None, 1, 1, 1, None, True, False)
OLD = Snapshot("session", 77, "psql", "anna", "idle in transaction", 300.0, 5)


def assert_bad(finding: Finding, state: str, found: str, mend: str) -> None:
    assert finding.state == state
    assert found in finding.found
    assert mend in finding.mend


@pytest.mark.parametrize(
    ("broken", "check", "state", "found", "mend"),
    [
        ({"version_number": 159999, "version": "15.9"}, "version", "failed", "15.9", "16 or newer"),
        ({"is_replica": True}, "writable", "failed", "a replica", "name the primary"),
        ({"has_pgmq": False}, "pgmq", "failed", "missing", "supastate migrate"),
        ({"now": BETWEEN + timedelta(seconds=2.1)}, "clock", "warning", "+2.1 s", "NTP"),
        ({"now": BETWEEN - timedelta(seconds=2.1)}, "clock", "warning", "-2.1 s", "NTP"),
        ({"connections": 80}, "connections", "warning", "80 of 100", "max_connections"),
    ],
)
def test_one_thing_wrong_with_postgres_is_the_only_one_told(
    broken: dict[str, Any], check: str, state: str, found: str, mend: str
) -> None:
    [finding] = [
        one for one in judge_server(replace(GOOD, **broken), ASKED, ANSWERED) if one.state != "ok"
    ]

    assert finding.check == check
    assert_bad(finding, state, found, mend)


def test_good_servers_have_nothing_to_mend() -> None:
    edges = (timedelta(seconds=2), timedelta(seconds=-2))
    servers = [replace(GOOD, now=BETWEEN + edge, version_number=160000) for edge in edges]
    told = [one for server in servers for one in judge_server(server, ASKED, ANSWERED)]
    told += judge_graph_server(GRAPH, ASKED, ANSWERED)
    told += [judge_roles([]), judge_indexes([]), judge_pending([]), judge_snapshot(None)]
    told += [judge_tables([TABLE]), judge_disk(LEAST_FREE_BYTES)]
    told += [judge_snapshot(replace(OLD, seconds=299.0))]

    assert {one.state for one in told} == {"ok"}


@pytest.mark.parametrize("version", ["5.26.0", "2025.12.1", "unknown"])
def test_an_old_neo4j_is_told(version: str) -> None:
    judged, _ = judge_graph_server(replace(GRAPH, version=version), ASKED, ANSWERED)

    assert_bad(judged, "failed", version, "Neo4j 2026 or newer")


def test_a_neo4j_whose_clock_is_off_is_told() -> None:
    late = replace(GRAPH, now=BETWEEN - timedelta(minutes=1))

    _, judged = judge_graph_server(late, ASKED, ANSWERED)

    assert_bad(judged, "warning", "-60.0 s", "NTP")


def test_an_index_that_failed_is_told_apart_from_one_that_is_being_filled() -> None:
    filling = UnreadyIndex("memory_words", "POPULATING", 41.6)
    failed = UnreadyIndex("memory_vectors", "FAILED", 0.0)

    assert_bad(judge_indexes([filling]), "warning", "memory_words POPULATING 42 %", "Wait")
    assert_bad(judge_indexes([filling, failed]), "failed", "memory_vectors FAILED", "drop it")


def test_a_dropped_index_is_told_by_its_migration() -> None:
    assert_bad(judge_pending(["0008_search"]), "failed", "missing: 0008_search", "migrate")


def test_a_role_that_this_login_lacks_is_told() -> None:
    judged = judge_roles(["supastate_worker"])

    assert_bad(judged, "failed", "not ours: supastate_worker", "grant supastate_worker to this")


def test_a_full_disk_is_told() -> None:
    assert_bad(judge_disk(LEAST_FREE_BYTES - 1), "warning", "2.0 GiB free", "SUPASTATE_HOME")


def test_swollen_tables_and_who_keeps_them_so_are_told() -> None:
    swollen = judge_tables([replace(TABLE, dead_tuples=1_000_001)])

    assert_bad(swollen, "warning", "dead rows in memory_ingestion", "autovacuum")
    assert_bad(judge_snapshot(OLD), "warning", "session 77 psql for 300 s", "terminate_backend(77)")
