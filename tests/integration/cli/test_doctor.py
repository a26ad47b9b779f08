"""`supastate doctor` names what is broken, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from typer.testing import CliRunner

from cli.doctor import Finding, examine
from cli.main import app
from shared.postgres.checkup import missing_roles
from tests.conftest import Servers

Conn = AsyncConnection[TupleRow]
Examine = Callable[[], Coroutine[Any, Any, dict[str, Finding]]]


@pytest.fixture
def settings(
    graph_server: Servers, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> pytest.MonkeyPatch:
    """The environment of somebody who runs the real servers, and no API."""
    for name, value in {
        "SUPASTATE_POSTGRES_DSN": database,
        "SUPASTATE_NEO4J_URI": graph_server.neo4j_uri,
        "SUPASTATE_NEO4J_PASSWORD": graph_server.neo4j_password,
        "SUPASTATE_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


async def look() -> dict[str, Finding]:
    return {f"{one.area} {one.check}": one async for one in examine()}


@pytest.mark.usefixtures("settings")
async def test_a_whole_system_has_nothing_to_mend() -> None:
    found = await look()

    assert [name for name, one in found.items() if one.state == "failed"] == []
    assert found["Postgres doorbell"].found == "on every queue"
    assert found["Neo4j migrations"].found == "all applied"
    assert found["embedder answers"].state == "ok"
    assert (found["API answers"].state, found["API answers"].mend != "") == ("skipped", True)


BREAKAGES = [
    (
        "DROP TRIGGER faststream_pgmq_doorbell ON pgmq.q_pattern_detection",
        ("Postgres doorbell", "failed", "pattern_detection"),
    ),
    (
        "DELETE FROM supastate_migrations WHERE name = '0006_spans'",
        ("Postgres migrations", "failed", "0006_spans"),
    ),
    ("DROP TABLE supastate_migrations", ("Postgres migrations", "failed", "0001_pgmq")),
    (
        "UPDATE supastate_migrations SET checksum = '' WHERE name = '0006_spans'",
        ("Postgres migrations", "failed", "0006_spans was edited"),
    ),
    (
        "SELECT pgmq.drop_queue('summary_generation_dlq')",
        ("Postgres queues", "failed", "summary_generation"),
    ),
    (
        "SELECT faststream_pgmq.pause('memory_ingestion')",
        ("Postgres pauses", "warning", "memory_ingestion"),
    ),
    (
        "SELECT pgmq.send('memory_ingestion_dlq', '{}')",
        ("Postgres dead letters", "warning", "memory_ingestion"),
    ),
]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(("breakage", "expected"), BREAKAGES, ids=[w[0] for _, w in BREAKAGES])
async def test_what_is_broken_is_named(
    conn: Conn, breakage: Any, expected: tuple[str, str, str]
) -> None:
    name, state, words = expected
    await conn.execute(breakage)

    finding = (await look())[name]

    assert finding.state == state
    assert words in finding.found
    assert finding.mend


async def test_a_login_without_rights_is_told(
    settings: pytest.MonkeyPatch, database: str, conn: Conn
) -> None:
    as_reader = make_conninfo(database, options="-c role=supastate_readonly")
    settings.setenv("SUPASTATE_POSTGRES_DSN", as_reader)

    finding = (await look())["Postgres rights"]

    assert (finding.state, "supastate_migrations" in finding.found) == ("failed", True)
    assert "login that migrates" in finding.mend
    assert await missing_roles(conn) == []
    await conn.execute("SET ROLE supastate_readonly")
    assert await missing_roles(conn) == ["supastate_api", "supastate_worker"]


async def test_a_server_that_is_down_does_not_hide_the_other(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("SUPASTATE_POSTGRES_DSN", "host=127.0.0.1 port=1 dbname=x")

    found = await look()

    assert found["Postgres answers"].state == "failed"
    assert "SUPASTATE_POSTGRES_DSN" in found["Postgres answers"].mend
    assert found["Neo4j answers"].state == "ok"


async def test_a_wrong_password_is_told_apart_from_silence(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("SUPASTATE_NEO4J_PASSWORD", "wrong")

    found = await look()

    assert found["Neo4j answers"].state == "failed"
    assert "SUPASTATE_NEO4J_URI" in found["Neo4j answers"].mend
    assert "wrong" not in found["Neo4j answers"].found.split()


async def test_vectors_of_another_length_are_told(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("SUPASTATE_EMBEDDER", "openai")
    settings.setenv("SUPASTATE_EMBEDDING_URL", "http://127.0.0.1:1/v1")

    found = await look()

    assert "3072 dimensions" in found["Neo4j migrations"].found
    assert found["embedder answers"].state == "failed"
    assert "SUPASTATE_EMBEDDING_URL" in found["embedder answers"].mend


@pytest.mark.usefixtures("settings")
def test_json_holds_every_finding_and_the_exit_code_tells_a_failure(
    settings: pytest.MonkeyPatch,
) -> None:
    whole = CliRunner().invoke(app, ["doctor", "--json"])
    settings.setenv("SUPASTATE_POSTGRES_DSN", "host=127.0.0.1 port=1 dbname=x")
    broken = CliRunner().invoke(app, ["doctor", "--json"])

    assert (whole.exit_code, broken.exit_code) == (0, 1)
    assert {one["state"] for one in json.loads(whole.stdout)} <= {"ok", "warning", "skipped"}
    assert json.loads(broken.stdout)[0]["state"] == "failed"


def test_without_settings_it_says_how_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("SUPASTATE_HOME", str(tmp_path))

    told = CliRunner().invoke(app, ["doctor"])

    assert told.exit_code == 1
    assert "supastate local up" in told.stdout
