"""The only place where objects are wired: servers, telemetry, the broker, a worker's HTTP side."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.asgi.types import Scope
from neo4j import AsyncDriver
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from pydantic import ValidationError

from faststream_pgmq import PgmqBroker, RetryPolicy
from faststream_pgmq.opentelemetry import PgmqTelemetryMiddleware
from faststream_pgmq.pooling import CancellablePool
from shared.embedding import Embedder, open_embedder
from shared.errors import DeadLetterError, DependencyDownError, InvalidInputError, SettingsError
from shared.giving_way import give_way
from shared.graph.driver import open_driver
from shared.logs import hide_secrets_in_logs
from shared.postgres.spans import PostgresSpanExporter
from shared.settings import Settings
from shared.telemetry import configure_telemetry

Pool = CancellablePool[AsyncConnection[TupleRow]]
POOL_SIZE: Final = 4
PAGE_STATEMENT_SECONDS: Final = 2
READY_TIMEOUT_SECONDS: Final = 2.0
NEO4J_READY_SECONDS: Final = 10.0
"""More than the driver takes to give up a connection: only a silent server needs this."""

RETRY: Final = RetryPolicy(
    max_attempts=5,
    dead_letter_on=(DeadLetterError, InvalidInputError, ValidationError),
    pause_on=(DependencyDownError,),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process works with; connected inside `opened()`."""

    settings: Settings
    pool: Pool
    driver: AsyncDriver
    embedder: Embedder

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Self]:
        """Connect, and close again at the end."""
        async with self.pool, self.driver:
            yield self

    async def probe(self) -> None:
        """Return when both servers answer.

        Raises:
            DependencyDownError: names the one that does not.
        """
        await probe_postgres(self.pool)
        await probe_neo4j(self.driver)


def create_parts(settings: Settings) -> Parts:
    """Return the parts, not yet connected; call inside the running event loop."""
    pool = Pool(conninfo(settings), min_size=1, max_size=POOL_SIZE, open=False)
    return Parts(settings, pool, open_driver(settings), open_embedder(settings))


def create_page_pool(settings: Settings) -> Pool:
    """Return connections that only read, and give up a statement after some seconds."""
    dsn = conninfo(settings)
    given = conninfo_to_dict(dsn).get("options") or ""
    limits = f"-c statement_timeout={PAGE_STATEMENT_SECONDS}s -c default_transaction_read_only=on"
    options = f"{given} {limits}".strip()
    return Pool(make_conninfo(dsn, options=options), min_size=0, max_size=POOL_SIZE, open=False)


def conninfo(settings: Settings) -> str:
    """Return how to connect to Postgres, as the role and in the release that the settings name."""
    dsn = settings.postgres_dsn.get_secret_value()
    named = {"role": settings.postgres_role, "supastate.release": settings.release}
    options = [f"-c {name}={value}" for name, value in named.items() if value]
    if not options:
        return dsn
    given = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=" ".join([str(given), *options]).strip())


def listen_conninfo(settings: Settings) -> str:
    """Return how to connect where a session is needed: past a transaction pooler."""
    if settings.listen_dsn is None:
        return conninfo(settings)
    return settings.listen_dsn.get_secret_value()


def start_telemetry(service: str, settings: Settings) -> TracerProvider:
    """Return the tracer provider of this process; call once, before anything connects."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    hide_secrets_in_logs()
    store = [PostgresSpanExporter(conninfo(settings), share=settings.span_store_share)]
    return configure_telemetry(service, store if settings.span_store else [])


def create_broker(settings: Settings, provider: TracerProvider) -> PgmqBroker:
    """Return the process's broker, not yet connected."""
    return PgmqBroker(
        conninfo(settings),
        listen_conninfo=settings.listen_dsn.get_secret_value() if settings.listen_dsn else None,
        middlewares=(PgmqTelemetryMiddleware(tracer_provider=provider),),
    )


def create_worker(broker: PgmqBroker, parts: Parts, provider: TracerProvider) -> AsgiFastStream:
    """Return an application that runs `broker` and answers health checks and metrics."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        try:
            async with parts.opened():
                yield
        finally:
            provider.shutdown()

    @get
    async def live(scope: Scope) -> AsgiResponse:
        return AsgiResponse(b"ok", 200)

    @get
    async def ready(scope: Scope) -> AsgiResponse:
        return await _readiness(broker, parts)

    @get
    async def metrics(scope: Scope) -> AsgiResponse:
        return AsgiResponse(generate_latest(), 200, {"Content-Type": CONTENT_TYPE_LATEST})

    routes = [("/health/live", live), ("/health/ready", ready), ("/metrics", metrics)]
    return AsgiFastStream(broker, lifespan=lifespan, asgi_routes=routes)


def main(create_app: Callable[[Settings], AsgiFastStream]) -> None:
    """Run one worker until SIGTERM; what is in hand is finished or given back."""
    try:
        settings = Settings.load()
        give_way(settings.niceness)
        asyncio.run(_run(create_app, settings))
    except SettingsError as error:
        sys.exit(str(error))


async def _run(create_app: Callable[[Settings], AsgiFastStream], settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level]
    options: dict[str, Any] = {"host": settings.http_host, "port": settings.http_port}
    await create_app(settings).run(log_level=level, run_extra_options=options)


async def probe_postgres(pool: Pool) -> None:
    """Raise DependencyDownError when Postgres does not answer."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_SECONDS), pool.connection() as conn:
            await conn.execute("SELECT 1")
    except Exception as error:  # whatever it is, the answer is "down"
        raise DependencyDownError("Postgres", type(error).__name__) from error


async def probe_neo4j(driver: AsyncDriver) -> None:
    """Raise DependencyDownError when Neo4j does not answer."""
    try:
        async with asyncio.timeout(NEO4J_READY_SECONDS):
            await driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]  # untyped options
    except Exception as error:  # whatever it is, the answer is "down"
        raise DependencyDownError("Neo4j", type(error).__name__) from error


async def _readiness(broker: PgmqBroker, parts: Parts) -> AsgiResponse:
    if not await broker.ping(READY_TIMEOUT_SECONDS):
        return AsgiResponse(b"the broker is not connected", 503)
    try:
        await parts.probe()
    except DependencyDownError as error:
        return AsgiResponse(str(error).encode(), 503)
    return AsgiResponse(b"ready", 200)
