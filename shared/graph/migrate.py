"""Applies `migrations/neo4j`; safe to repeat and to run from several processes at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Final, LiteralString, cast

from neo4j import READ_ACCESS, WRITE_ACCESS, AsyncDriver, AsyncManagedTransaction, AsyncSession
from neo4j.exceptions import AuthError, ClientError

from shared.errors import DependencyDownError, SettingsError
from shared.graph.driver import connect, open_session, translated_errors
from shared.graph.missing_words import add_missing_words

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations" / "neo4j"
DEFAULT_DIMENSIONS: Final = 256
WORDS: Final = "0008_search"
"""What was written before it lacks the words that search reads, which no Cypher can make."""
BOLT_DEADLINE_SECONDS: Final = 60.0
ORPHAN_GRACE_SECONDS: Final = 3.0
GIVE_UP_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.25
INDEX_DEADLINE_SECONDS: Final = 300

CREATE_LEDGER: Final[LiteralString] = """
CREATE CONSTRAINT graph_migration_name IF NOT EXISTS
FOR (n:GraphMigration) REQUIRE n.name IS UNIQUE
"""
READ_LEDGER: Final[LiteralString] = """
MATCH (n:GraphMigration) RETURN n.name AS name, n.checksum AS checksum
"""
RECORD: Final[LiteralString] = """
MERGE (n:GraphMigration {name: $name})
SET n.checksum = $checksum, n.applied_at = datetime()
"""
READ_INDEXES: Final[LiteralString] = "SHOW INDEXES YIELD name"
LOCK: Final[LiteralString] = """
MERGE (n:GraphMigration {name: 'lock'}) SET n.locked_at = datetime()
"""
FIND_ORPHANS: Final[LiteralString] = """
SHOW INDEXES YIELD name, owningConstraint
WHERE name IN $names AND owningConstraint IS NULL
RETURN name
"""
AWAIT_INDEXES: Final[LiteralString] = "CALL db.awaitIndexes($seconds)"
FIND_OTHER_DIMENSIONS: Final[LiteralString] = """
SHOW VECTOR INDEXES YIELD name, options
WHERE name IN $names AND options.indexConfig['vector.dimensions'] <> $dimensions
RETURN name, options.indexConfig['vector.dimensions'] AS dimensions ORDER BY name
"""

_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
_VECTOR_INDEX = re.compile(r"CREATE VECTOR INDEX (\w+)")
_INDEX = re.compile(r"^CREATE (?:CONSTRAINT|(?:\w+ )?INDEX) (\w+)", re.MULTILINE)
_CONSTRAINT = re.compile(r"CREATE CONSTRAINT (\w+)")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; each of its statements is harmless when repeated."""

    name: str
    cypher: str

    @property
    def checksum(self) -> str:
        return sha256(self.cypher.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        parts = _COMMENT.sub("", self.cypher).split(";")
        return [part.strip() for part in parts if part.strip()]

    @property
    def indexes(self) -> set[str]:
        """Also those of its constraints, which bear the constraint's name."""
        return set(_INDEX.findall(self.cypher))


async def migrate(
    uri: str,
    user: str,
    password: str,
    *,
    dimensions: int = DEFAULT_DIMENSIONS,
    folder: Path = MIGRATIONS,
    deadline_seconds: float = BOLT_DEADLINE_SECONDS,
) -> list[str]:
    """Apply what is missing or was edited and return its names; indexes are online afterwards.

    An index that somebody dropped is missing.
    Waits for Neo4j to answer. `dimensions` is the length of the embedder's vectors.

    Raises:
        DependencyDownError: Neo4j did not answer before the deadline.
        SettingsError: the graph's indexes hold vectors of another length.
    """
    async with connect(uri, user, password) as driver:
        await _wait_until_it_answers(driver, monotonic() + deadline_seconds)
        with translated_errors():
            applied = await _apply_all(driver, list(read_migrations(folder)), dimensions)
            if WORDS in applied:
                await add_missing_words(driver)
            return applied


async def find_pending(
    driver: AsyncDriver, *, dimensions: int, folder: Path = MIGRATIONS
) -> list[str]:
    """Return the names of the migrations that are missing, or lack an index; changes nothing.

    Raises:
        DependencyDownError: Neo4j does not answer.
        SettingsError: the graph's indexes hold vectors of another length.
    """
    migrations = list(read_migrations(folder))
    with translated_errors():
        async with open_session(driver, READ_ACCESS) as session:
            await _check_dimensions(session, migrations, dimensions)
            return [step.name for step in await _pending(session, migrations)]


def read_migrations(folder: Path = MIGRATIONS) -> Iterator[Migration]:
    """Return the files of `folder` in order of their numbers."""
    for path in sorted(folder.glob("[0-9]*.cypher")):
        yield Migration(path.stem, path.read_text(encoding="utf-8"))


async def _wait_until_it_answers(driver: AsyncDriver, deadline: float) -> None:
    while True:
        try:
            with translated_errors():
                await driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
                return
        except DependencyDownError as error:
            wrong_password = isinstance(error.__cause__, AuthError)
            if wrong_password or monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def _apply_all(
    driver: AsyncDriver, migrations: list[Migration], dimensions: int
) -> list[str]:
    async with open_session(driver, WRITE_ACCESS) as session:
        if not await _pending(session, migrations):
            await _check_dimensions(session, migrations, dimensions)
            return []
        await _create(session, CREATE_LEDGER, ORPHAN_GRACE_SECONDS)
        async with _locked(driver):
            return await _apply_pending(session, migrations, dimensions)


async def _pending(session: AsyncSession, migrations: list[Migration]) -> list[Migration]:
    ledger = await (await session.run(READ_LEDGER)).data()
    applied = {row["name"]: row["checksum"] for row in ledger}
    present = {row["name"] for row in await (await session.run(READ_INDEXES)).data()}
    return [
        step
        for step in migrations
        if applied.get(step.name) != step.checksum or not step.indexes <= present
    ]


@asynccontextmanager
async def _locked(driver: AsyncDriver) -> AsyncGenerator[None]:
    """Let one process at a time create indexes: Neo4j leaves half a constraint after a deadlock."""
    async with (
        open_session(driver, WRITE_ACCESS) as session,
        await session.begin_transaction() as tx,
    ):
        await (await tx.run(LOCK)).consume()
        yield
        await tx.commit()


async def _apply_pending(
    session: AsyncSession, migrations: list[Migration], dimensions: int
) -> list[str]:
    applied: list[Migration] = []
    # Read again: another process may have been first, and one migration drops what others make.
    while pending := [one for one in await _pending(session, migrations) if one not in applied]:
        for statement in pending[0].statements:
            await _create(session, f"CYPHER 25 {statement}", 0.0, dimensions=dimensions)
        applied.append(pending[0])
    await _check_dimensions(session, migrations, dimensions)
    await (await session.run(AWAIT_INDEXES, seconds=INDEX_DEADLINE_SECONDS)).consume()
    for migration in applied:
        await session.execute_write(_run, RECORD, name=migration.name, checksum=migration.checksum)
    return [migration.name for migration in applied]


async def _create(
    session: AsyncSession, statement: str, grace_seconds: float, **parameters: int
) -> None:
    """Run a statement of our own; an index left by a killed `CREATE CONSTRAINT` is in its way.

    For `grace_seconds` such an index may be another process's work that is about to be done.
    """
    deadline = monotonic() + grace_seconds
    while True:
        try:
            return await session.execute_write(_run, cast(LiteralString, statement), **parameters)
        except ClientError as error:
            if not error.code.endswith("AlreadyExists") or monotonic() > deadline + GIVE_UP_SECONDS:
                raise
        if monotonic() >= deadline:
            await _drop_orphan(session, statement)
        await asyncio.sleep(POLL_SECONDS)


async def _drop_orphan(session: AsyncSession, statement: str) -> None:
    names = _CONSTRAINT.findall(statement)
    for orphan in await (await session.run(FIND_ORPHANS, names=names)).data():
        drop = f"DROP INDEX {orphan['name']} IF EXISTS"  # a name from our own file
        await session.execute_write(_run, cast(LiteralString, drop))


async def _run(
    tx: AsyncManagedTransaction, statement: LiteralString, **parameters: str | int
) -> None:
    await (await tx.run(statement, parameters)).consume()


async def _check_dimensions(
    session: AsyncSession, migrations: list[Migration], dimensions: int
) -> None:
    names = [name for step in migrations for name in _VECTOR_INDEX.findall(step.cypher)]
    result = await session.run(FIND_OTHER_DIMENSIONS, names=names, dimensions=dimensions)
    if different := await result.data():
        raise SettingsError(_explain(different[0]["dimensions"], dimensions, different))


def _explain(found: int, wanted: int, indexes: list[dict[str, str]]) -> str:
    drops = "\n".join(f"  DROP INDEX {row['name']};" for row in indexes)
    return (
        f"SUPASTATE_EMBEDDER: this embedder's vectors have {wanted} dimensions, the graph's have "
        f"{found}. Go back to the embedder that filled the graph, or drop the vector indexes, "
        f"migrate, and rebuild the graph from Postgres:\n{drops}\n"
    )
