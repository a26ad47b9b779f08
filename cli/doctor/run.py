"""Runs the checks, one server after the other; one that is down ends only its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from psycopg import Error as PostgresError
from psycopg.errors import InsufficientPrivilege

from cli.connection import find_settings, open_neo4j, open_postgres
from cli.doctor.findings import Finding, ok
from cli.doctor.graph_checks import examine_embedder, examine_graph
from cli.doctor.machine_checks import examine_api, examine_disk, examine_traces
from cli.doctor.postgres_checks import examine_postgres
from cli.errors import CommandError
from shared.embedding import open_embedder
from shared.errors import DependencyDownError, SettingsError, SupastateError
from shared.settings import Settings


async def examine() -> AsyncGenerator[Finding]:
    """Yield each finding as soon as it is known."""
    try:
        settings = find_settings()
    except CommandError as error:
        yield Finding("settings", "servers", "failed", error.problem, error.next_step)
    except SettingsError as error:
        yield Finding("settings", "servers", "failed", str(error), "Mend these variables.")
    else:
        async for finding in _examine_servers(settings):
            yield finding
    for finding in (examine_api(), examine_traces(), examine_disk()):
        yield finding


async def _examine_servers(settings: Settings) -> AsyncGenerator[Finding]:
    try:
        async with open_postgres(settings) as conn:
            yield ok("Postgres", "answers", "connected")
            async for finding in examine_postgres(settings, conn):
                yield finding
    except InsufficientPrivilege as error:
        mend = "Name the login that migrates in SUPASTATE_POSTGRES_DSN: doctor looks at all."
        yield Finding("Postgres", "rights", "failed", " ".join(str(error).split()), mend)
    except (DependencyDownError, PostgresError) as error:
        mend = "Start it, or mend SUPASTATE_POSTGRES_DSN (host, port, password, sslmode)."
        yield Finding("Postgres", "answers", "failed", " ".join(str(error).split()), mend)
    embedder = open_embedder(settings)
    try:
        async with open_neo4j(settings) as driver:
            yield ok("Neo4j", "answers", "connected")
            async for finding in examine_graph(driver, embedder):
                yield finding
    except SupastateError as error:
        mend = "Start it, or mend SUPASTATE_NEO4J_URI, _USER and _PASSWORD."
        yield Finding("Neo4j", "answers", "failed", " ".join(str(error).split()), mend)
    yield await examine_embedder(embedder)
