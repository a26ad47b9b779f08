"""Prepares both servers: `python -m shared.migrate`. Safe to repeat and to run concurrently."""

from __future__ import annotations

import asyncio
import sys

from shared.embedding import open_embedder
from shared.errors import SupastateError
from shared.graph.migrate import migrate as migrate_graph
from shared.postgres.migrate import migrate as migrate_postgres
from shared.settings import Settings


async def migrate(settings: Settings) -> list[str]:
    """Apply what is missing on Postgres and Neo4j; return the names applied.

    Raises:
        DependencyDownError: a server does not answer.
    """
    tables = await migrate_postgres(settings.postgres_dsn.get_secret_value())
    graph = await migrate_graph(
        settings.neo4j_uri,
        settings.neo4j_user,
        settings.neo4j_password.get_secret_value(),
        dimensions=open_embedder(settings).dimensions,
    )
    return [*(f"postgres {name}" for name in tables), *(f"neo4j {name}" for name in graph)]


def main() -> int:
    """Run `migrate` for the settings of this process; 1 when a server refuses."""
    try:
        applied = asyncio.run(migrate(Settings.load()))
    except SupastateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "nothing to apply\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
