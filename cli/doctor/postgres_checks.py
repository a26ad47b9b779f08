"""The checks of Postgres: version, pgmq, migrations, roles, queues, doorbell, clock, room."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

from cli.doctor.findings import Finding, State, judge, listed, ok
from faststream_pgmq.health import QueueHealth, Snapshot, check_health
from shared.errors import SupastateError
from shared.messages import QUEUES
from shared.postgres import checkup
from shared.postgres.checkup import Server
from shared.postgres.migrate import find_pending
from shared.settings import Settings

AREA: Final = "Postgres"
OLDEST_VERSION: Final = 160000
MOST_SECONDS_APART: Final = 2.0
LONG_SNAPSHOT_SECONDS: Final = 300.0
MANY_DEAD_ROWS: Final = 1_000_000
FULL_SHARE: Final = 0.8
MIGRATE: Final = "Run `supastate migrate`."

Conn = AsyncConnection[TupleRow]


async def examine_postgres(settings: Settings, conn: Conn) -> AsyncGenerator[Finding]:
    """Yield what is found; without migrations the rest has nothing to look at."""
    asked = datetime.now(UTC)
    server = await checkup.read_server(conn)
    for finding in judge_server(server, asked, datetime.now(UTC)):
        yield finding
    migrations = await _examine_migrations(conn)
    yield migrations
    yield await _examine_notifications(settings, conn)
    if migrations.state == "ok":
        async for finding in _examine_queues(conn):
            yield finding


def judge_server(server: Server, asked: datetime, answered: datetime) -> list[Finding]:
    """Return what a server's own words mean; `now` is of a moment between the two."""
    apart = (server.now - (asked + (answered - asked) / 2)).total_seconds()
    pgmq = server.pgmq_version or "installed from its SQL"
    used = server.connections / server.max_connections
    return [
        judge(
            AREA, "version", good=server.version_number >= OLDEST_VERSION,
            found=server.version, mend="Use Postgres 16 or newer.",
        ),
        judge(
            AREA, "writable", good=not server.is_replica,
            found="a replica" if server.is_replica else "primary",
            mend="SUPASTATE_POSTGRES_DSN leads to a read replica; name the primary.",
        ),
        judge(
            AREA, "pgmq", good=server.has_pgmq,
            found=pgmq if server.has_pgmq else "missing", mend=MIGRATE,
        ),
        judge(
            AREA, "clock", good=abs(apart) <= MOST_SECONDS_APART, bad="warning",
            found=f"{apart:+.1f} s from this machine's",
            mend="Let both machines follow NTP; times of spans and delays are off until then.",
        ),
        judge(
            AREA, "connections", good=used < FULL_SHARE, bad="warning",
            found=f"{server.connections} of {server.max_connections} in use",
            mend="Raise max_connections, or put a pooler before Postgres (SUPASTATE_LISTEN_DSN).",
        ),
        ok(AREA, "size", f"{server.database_bytes / 2**20:,.0f} MiB in this database"),
    ]  # fmt: skip


async def _examine_migrations(conn: Conn) -> Finding:
    try:
        pending = await find_pending(conn)
    except SupastateError as error:
        return Finding(AREA, "migrations", "failed", str(error), "Put the file back.")
    found = f"missing: {listed(pending)}" if pending else "all applied"
    return judge(AREA, "migrations", good=not pending, found=found, mend=MIGRATE)


async def _examine_notifications(settings: Settings, conn: Conn) -> Finding:
    dsn = settings.listen_dsn or settings.postgres_dsn
    mend = "Name a session connection in SUPASTATE_LISTEN_DSN: a transaction pooler eats LISTEN."
    try:
        async with await AsyncConnection.connect(
            dsn.get_secret_value(), autocommit=True, connect_timeout=10
        ) as listener:
            heard = await checkup.hears_notifications(listener, conn)
    except OperationalError as error:
        return Finding(AREA, "notifications", "failed", " ".join(str(error).split()), mend)
    found = "a NOTIFY arrives" if heard else "a NOTIFY does not arrive"
    return judge(AREA, "notifications", good=heard, found=found, mend=mend)


async def _examine_queues(conn: Conn) -> AsyncGenerator[Finding]:
    missing = await checkup.missing_queues(conn)
    yield _about_names("queues", missing, "missing", f"all {len(QUEUES)} there", MIGRATE)
    yield judge_roles(await checkup.missing_roles(conn))
    health = await check_health(conn)
    yield judge_tables([one for one in health.queues if one.queue in QUEUES])
    yield judge_snapshot(health.oldest_snapshot)
    paused = await checkup.paused_queues(conn)
    resume = "`supastate queues resume NAME` lets its consumers go on."
    yield _about_names("pauses", paused, "paused", "no queue is paused", resume, bad="warning")
    dead = await checkup.queues_with_dead_letters(conn)
    look = "`supastate dlq groups` says why, `supastate dlq redrive` puts them back."
    yield _about_names("dead letters", dead, "some in", "none", look, bad="warning")


def judge_roles(missing: list[str]) -> Finding:
    """Return whether this login may act as every role of ours."""
    grant = f"Let an administrator grant {listed(missing)} to this login, then migrate."
    return _about_names("roles", missing, "not ours", "all three there", grant)


def judge_tables(ours: list[QueueHealth]) -> Finding:
    """Return whether senders wake consumers, and whether the tables are swollen."""
    silent = [one.queue for one in ours if not one.doorbell]
    if silent:
        mend = "`SELECT faststream_pgmq.create_queue(name)` puts the trigger back."
        return Finding(AREA, "doorbell", "failed", f"none on {listed(silent)}", mend)
    swollen = [one.queue for one in ours if one.dead_tuples > MANY_DEAD_ROWS]
    if swollen:
        mend = "See that autovacuum runs, and that nobody holds an old snapshot."
        return Finding(AREA, "doorbell", "warning", f"dead rows in {listed(swollen)}", mend)
    return ok(AREA, "doorbell", "on every queue")


def judge_snapshot(oldest: Snapshot | None) -> Finding:
    """Return whether somebody keeps dead rows from being removed."""
    seconds = oldest.seconds or 0.0 if oldest else 0.0
    if oldest is None or seconds < LONG_SNAPSHOT_SECONDS:
        return ok(AREA, "old snapshots", "none")
    who = f"{oldest.holder} {oldest.pid or ''} {oldest.application or ''}".strip()
    return Finding(
        AREA, "old snapshots", "warning", f"{who} for {seconds:,.0f} s",
        f"It keeps dead rows in every queue; end it: SELECT pg_terminate_backend({oldest.pid}).",
    )  # fmt: skip


def _about_names(
    check: str, names: list[str], bad_words: str, good_words: str, mend: str, bad: State = "failed"
) -> Finding:
    found = f"{bad_words}: {listed(names)}" if names else good_words
    return judge(AREA, check, good=not names, found=found, mend=mend, bad=bad)
