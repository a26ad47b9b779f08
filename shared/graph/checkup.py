"""What `supastate doctor` asks Neo4j; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from neo4j import READ_ACCESS, AsyncDriver

from shared.graph.driver import open_session, translated_errors

READ_VERSION: Final[LiteralString] = """
CALL dbms.components() YIELD name, versions, edition
WHERE name = 'Neo4j Kernel'
RETURN versions[0] AS version, edition, datetime.realtime() AS now
"""
READ_UNREADY_INDEXES: Final[LiteralString] = """
SHOW INDEXES YIELD name, state, populationPercent
WHERE state <> 'ONLINE'
RETURN name, state, populationPercent AS percent ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class GraphServer:
    """A Neo4j server."""

    version: str
    """Year and month: 2026.08.1."""
    edition: str
    now: datetime


@dataclass(frozen=True, slots=True)
class UnreadyIndex:
    """An index that no query can use yet, or any more."""

    name: str
    state: str
    percent: float


async def read_graph_server(driver: AsyncDriver) -> GraphServer:
    """Return what the server says of itself.

    Raises:
        DependencyDownError, GraphError
    """
    with translated_errors():
        async with open_session(driver, READ_ACCESS) as session:
            record = await (await session.run(READ_VERSION)).single(strict=True)
    return GraphServer(record["version"], record["edition"], record["now"].to_native())


async def read_unready_indexes(driver: AsyncDriver) -> list[UnreadyIndex]:
    """Return the indexes that are being filled or have failed.

    Raises:
        DependencyDownError, GraphError
    """
    with translated_errors():
        async with open_session(driver, READ_ACCESS) as session:
            rows = await (await session.run(READ_UNREADY_INDEXES)).data()
    return [UnreadyIndex(row["name"], row["state"], row["percent"]) for row in rows]
