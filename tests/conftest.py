"""Real servers for all tests: one Postgres and one Neo4j a run, a database of its own a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from xdist.remote import Producer

from shared.graph.driver import connect
from tests.databases import own_database
from tests.halves import Halves, turn_of

pytest_plugins = ["tests.system.running", "tests.telling"]

BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared"
SHARED = Path(os.environ.get("SUPASTATE_TEST_SHARED", BESIDE_THE_CHECKOUT))
KEPT = ("SUPASTATE_TEST_", "SUPASTATE_PORT_RANGE", "SUPASTATE_MAVEN_REPOSITORY")
DELETE_WORKSPACE = "MATCH (n {workspace_id: $workspace_id}) DETACH DELETE n"


def pytest_configure() -> None:
    """Forget what the shell says of a running system, and of its window: tests bring their own."""
    os.environ.pop("COLUMNS", None)
    for name in list(os.environ):
        if name.startswith(("SUPASTATE_", "OTEL_")) and not name.startswith(KEPT):
            del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what needs no server, while others are fetched; then what takes longest."""
    items.sort(key=lambda item: turn_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Halves:
    """Keep together what shares something costly."""
    return Halves(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch beside the first tests what later ones need, on a machine that has none of it."""
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    is_first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if (
        is_first
        and needed & {"jaeger", "servers"}
        and "SUPASTATE_TEST_POSTGRES_DSN" not in os.environ
    ):
        fetching = subprocess.Popen(
            ["nice", sys.executable, "-m", "tests.prefetch"],
            cwd=session.config.rootpath,
            stderr=subprocess.DEVNULL,  # whoever needs it will be told
            start_new_session=True,
        )
        # Reaped as soon as it ends: other tests look at every process of the machine.
        Thread(target=fetching.wait, daemon=True).start()
        session.config.add_cleanup(lambda: _end_group(fetching))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # The compilers that Go started are in its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@dataclass(frozen=True)
class Servers:
    """Where the real servers of this run are."""

    postgres_dsn: str
    neo4j_uri: str
    neo4j_user: str
    neo4j_password: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers that the environment names, or a local stack of this run."""
    if "SUPASTATE_TEST_POSTGRES_DSN" in os.environ:
        yield Servers(
            os.environ["SUPASTATE_TEST_POSTGRES_DSN"],
            os.environ["SUPASTATE_TEST_NEO4J_URI"],
            os.environ.get("SUPASTATE_TEST_NEO4J_USER", "neo4j"),
            os.environ["SUPASTATE_TEST_NEO4J_PASSWORD"],
        )
        return
    from cli.local_stack import LocalStack  # late: the servers named above need no local stack

    stack = LocalStack(tmp_path_factory.mktemp("stack"))
    stack.start_servers()
    try:
        names = stack.settings()
        _hurry(names["SUPASTATE_POSTGRES_DSN"])
        yield Servers(
            names["SUPASTATE_POSTGRES_DSN"],
            names["SUPASTATE_NEO4J_URI"],
            names["SUPASTATE_NEO4J_USER"],
            names["SUPASTATE_NEO4J_PASSWORD"],
        )
    finally:
        stack.delete_data()


def _hurry(dsn: str) -> None:
    """Let Postgres not wait for the disk: no test of these servers cuts the power."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        for setting in ("fsync", "full_page_writes"):
            conn.execute(f"ALTER SYSTEM SET {setting} = off")
        conn.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres_dsn(servers: Servers) -> str:
    """A connection string that may create databases."""
    return servers.postgres_dsn


@pytest.fixture(scope="session")
def template(postgres_dsn: str) -> Iterator[str]:
    """The name of a migrated database that every test copies."""
    from shared.postgres.migrate import migrate  # late: unit tests need no migrations

    with own_database(postgres_dsn, "template") as dsn:
        asyncio.run(migrate(dsn))
        yield str(conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def database(postgres_dsn: str, template: str) -> Iterator[str]:
    """The connection string of this test's own migrated database."""
    with own_database(postgres_dsn, "test", template=template) as dsn:
        yield dsn


@pytest.fixture
async def conn(database: str) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A connection to this test's own database."""
    async with await AsyncConnection.connect(database, autocommit=True) as own:
        yield own


@pytest.fixture(scope="session")
def graph_server(servers: Servers) -> Servers:
    """The servers, with the graph's constraints and indexes in place."""
    from shared.graph.migrate import migrate  # late: unit tests need no migrations

    asyncio.run(migrate(servers.neo4j_uri, servers.neo4j_user, servers.neo4j_password))
    return servers


@pytest.fixture
async def neo4j_driver(graph_server: Servers) -> AsyncIterator[AsyncDriver]:
    """A driver for the migrated graph, which all tests share: keep to your own workspace."""
    async with connect(
        graph_server.neo4j_uri, graph_server.neo4j_user, graph_server.neo4j_password
    ) as driver:
        yield driver


@pytest.fixture
async def workspace(neo4j_driver: AsyncDriver) -> AsyncIterator[str]:
    """A workspace of this test; its nodes are deleted afterwards."""
    workspace_id = f"team:{uuid4()}"
    yield workspace_id
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace_id)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real input that is not part of this repository."""
    return _find_or_skip(SHARED / "samples")


@pytest.fixture(scope="session")
def labelled() -> Path:
    """Commits and episodes labelled by people; not part of this repository."""
    return _find_or_skip(SHARED / "labelled")


def _find_or_skip(folder: Path) -> Path:
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder
