"""Migrates the two servers that the settings name."""

from __future__ import annotations

from shared.embedding import open_embedder
from shared.graph.migrate import migrate as migrate_graph
from shared.postgres.migrate import migrate as migrate_postgres
from shared.settings import Settings


async def migrate_both(settings: Settings) -> dict[str, list[str]]:
    """Return what was applied, by server.

    Raises:
        DependencyDownError: a server does not answer.
    """
    applied = await migrate_postgres(settings.postgres_dsn.get_secret_value())
    graph = await migrate_graph(
        settings.neo4j_uri,
        settings.neo4j_user,
        settings.neo4j_password.get_secret_value(),
        dimensions=open_embedder(settings).dimensions,
    )
    return {"Postgres": applied, "Neo4j": graph}
