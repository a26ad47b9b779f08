"""How the tables do, in SQL, Python and by command: dead rows, old snapshots, doorbells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from faststream_pgmq import QueueHealth, Snapshot, check_health
from faststream_pgmq.overview import overview
from faststream_pgmq.queries import defer_messages
from faststream_pgmq.subscriber.verdict import give_back, retry
from tests.integration.faststream_pgmq.support import eventually, fetch_all
from tests.integration.faststream_pgmq.test_pgmq_cli import Command
from tests.integration.faststream_pgmq.two_sessions import claim, send

Session = AsyncConnection[Any]


async def of(sql: Session, queue: str) -> QueueHealth:
    (found,) = [one for one in (await check_health(sql)).queues if one.queue == queue]
    return found


async def oldest(sql: Session) -> Snapshot | None:
    return (await check_health(sql)).oldest_snapshot


async def test_dead_rows_and_the_vacuum_that_removes_them_show(sql: Session) -> None:
    await send(sql, 500)
    await sql.execute("DELETE FROM pgmq.q_jobs")

    async def dead() -> bool:
        return (await of(sql, "jobs")).dead_tuples == 500

    await eventually(dead)
    assert (await of(sql, "jobs")).last_vacuum is None
    await sql.execute("VACUUM pgmq.q_jobs")

    async def vacuumed() -> bool:
        jobs = await of(sql, "jobs")
        return jobs.dead_tuples == 0 and jobs.last_vacuum is not None

    await eventually(vacuumed)


async def test_an_open_old_snapshot_shows_with_who_holds_it(sql: Session, old: Session) -> None:
    before = await oldest(sql)
    assert before is not None
    await send(sql)
    found = await oldest(sql)
    assert found is not None
    assert (found.holder, found.pid) == ("session", old.info.backend_pid)
    assert (found.application, found.state) == ("nightly report", "idle in transaction")
    assert found.seconds is not None
    assert before.seconds is not None
    assert found.seconds > before.seconds > 0
    assert found.transactions > before.transactions


async def test_a_snapshot_that_was_let_go_shows_no_more(sql: Session, old: Session) -> None:
    await old.rollback()

    async def gone() -> bool:
        found = await oldest(sql)
        return found is None or found.pid != old.info.backend_pid

    await eventually(gone)


async def test_who_looks_is_not_shown_to_himself(sql: Session, dsn: str) -> None:
    async with await AsyncConnection.connect(dsn) as looker:
        await looker.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await looker.execute("SELECT 1")
        await send(sql)
        found = await oldest(looker)
        assert found is None or found.pid != looker.info.backend_pid


async def test_a_role_without_rights_sees_who_but_not_for_how_long(
    sql: Session, old: Session, dsn: str
) -> None:
    role = f"looker_{sql.info.dbname}"
    create: Any = f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA pgmq TO {role}"
    await sql.execute(create)
    grant: Any = f"GRANT SELECT ON pgmq.meta TO {role}"
    await sql.execute(grant)
    try:
        limited = make_conninfo(dsn, user=role, password="x")
        async with await AsyncConnection.connect(limited, autocommit=True) as conn:
            await send(sql)
            found = await oldest(conn)
            assert found is not None
            assert (found.pid, found.seconds) == (old.info.backend_pid, None)
            assert found.transactions >= 1
            jobs = await of(conn, "jobs")
            assert (jobs.oldest_seconds, jobs.doorbell) == (None, True)
            assert jobs.table_bytes > 0
    finally:
        drop: Any = f"DROP OWNED BY {role}; DROP ROLE {role}"
        await sql.execute(drop)


async def test_sizes_and_the_age_of_what_is_ready_show(sql: Session) -> None:
    assert (await of(sql, "jobs")).oldest_seconds is None
    await sql.execute("""
        INSERT INTO pgmq.q_jobs (vt, enqueued_at, message)
        SELECT now(), now() - interval '1 minute', to_jsonb(repeat('x', 500))
        FROM generate_series(1, 1000)
    """)
    jobs = await of(sql, "jobs")
    assert jobs.oldest_seconds is not None
    assert 60 <= jobs.oldest_seconds < 120
    assert jobs.table_bytes > 500_000
    assert jobs.index_bytes > 16_384
    assert jobs.archive_bytes is not None
    assert not jobs.partitioned


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TRIGGER faststream_pgmq_doorbell ON pgmq.q_jobs",
        "ALTER TABLE pgmq.q_jobs DISABLE TRIGGER faststream_pgmq_doorbell",
    ],
)
async def test_a_doorbell_that_cannot_ring_shows(sql: Session, harm: Any, dsn: str) -> None:
    assert (await of(sql, "jobs")).doorbell
    await sql.execute(harm)
    assert not (await of(sql, "jobs")).doorbell
    assert (await of(sql, "jobs_dlq")).doorbell
    assert "NO: faststream-pgmq create" in Command(dsn)("health").out


async def test_only_what_a_consumer_has_is_in_flight(sql: Session) -> None:
    await send(sql, 4)
    held, given_back, failed, _ = await claim(sql)
    later = [give_back(given_back), retry(failed, ValueError("later"), 3600)]
    await defer_messages(sql, "jobs", later)
    await sql.execute("SELECT pgmq.send('jobs', '1', 600)")

    jobs = next(one for one in await overview(sql) if one.queue == "jobs")
    # In flight: `held` and the fourth. A retry that waits is delayed, as what was sent so is.
    assert (jobs.ready, jobs.delayed, jobs.in_flight) == (1, 2, 2)
    assert held.msg_id == 1


async def test_the_command_shows_health(sql: Session, old: Session, dsn: str) -> None:
    await send(sql)
    command = Command(dsn)
    text = command("health").out
    assert "dead rows" in text
    assert f"pid {old.info.backend_pid}, nightly report" in text
    document = json.loads(command("health", "--json").out)
    assert [one["queue"] for one in document["queues"]] == [
        "jobs", "jobs_dlq", "results", "results_dlq",
    ]  # fmt: skip
    assert document["oldest_snapshot"]["application"] == "nightly report"


async def test_the_command_purges_what_is_old(sql: Session, dsn: str) -> None:
    command = Command(dsn)
    await sql.execute("""
        INSERT INTO pgmq.a_jobs (msg_id, vt, archived_at)
        SELECT n, now(), now() - make_interval(days => n) FROM generate_series(1, 30) AS n
    """)
    await sql.execute("INSERT INTO pgmq.q_jobs_dlq (vt, enqueued_at) VALUES (now(), 'epoch')")
    dry = command("purge", "jobs", "--older-than", "14d", "--dry-run")
    assert dry.out == "would delete 17 archived messages of jobs\n"
    done = command("purge", "jobs", "--older-than", "14d")
    assert done.out == "deleted 17 archived messages of jobs\n"
    assert command("purge", "jobs", "--older-than", "0s", "--json").json == {"purged": 13}
    letters = ("purge", "jobs", "--older-than", "14d", "--dead-letters")
    assert "would delete 1 dead letters" in command(*letters, "--dry-run").out
    assert command(*letters, answer="n\n").code != 0
    assert "deleted 1 dead letters of jobs" in command(*letters, answer="y\n").out
    assert command(*letters, "--yes").out == "deleted 0 dead letters of jobs\n"
    assert await fetch_all(sql, "SELECT count(*) FROM pgmq.q_jobs_dlq") == [0]
    for nonsense in ("yesterday", "-5d", "5", ""):
        done = command("purge", "jobs", f"--older-than={nonsense}")
        assert (done.code, "90m, 2h or 14d" in done.err) == (2, True)
    assert command("purge", "jbos", "--older-than", "14d").code == 3
    assert command("purge", "jobs").code == 2
