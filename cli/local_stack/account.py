"""Migrations, and the workspace and API key that the stack makes for its user."""

import asyncio
import hashlib
from uuid import UUID, uuid4

from pydantic import SecretStr

from cli.local_stack.state import Account


def migrate_postgres(dsn: str) -> list[str]:
    """Apply what is missing; return the names applied. Safe to repeat and to run side by side."""
    from shared.postgres.migrate import migrate

    return asyncio.run(migrate(dsn))


def migrate_graph(uri: str, user: str, password: str) -> list[str]:
    """Apply what is missing; return the names applied. Safe to repeat and to run side by side."""
    from shared.embedding import open_embedder
    from shared.graph.migrate import migrate
    from shared.settings import Settings

    settings = Settings(
        postgres_dsn=SecretStr(""), neo4j_uri=uri, neo4j_password=SecretStr(password)
    )
    dimensions = open_embedder(settings).dimensions
    return asyncio.run(migrate(uri, user, password, dimensions=dimensions))


def ensure_account(dsn: str, database: str, known: Account | None) -> Account:
    """Return `known` when this database made it, else a new account with its key."""
    fingerprint = hashlib.sha256(database.encode()).hexdigest()
    if known and known.database == fingerprint:
        return known
    workspace_id, user_id = f"team:{uuid4()}", uuid4()
    api_key = asyncio.run(_create_key(dsn, workspace_id, user_id))
    return Account(
        workspace_id=workspace_id, user_id=user_id, api_key=api_key, database=fingerprint
    )


async def _create_key(dsn: str, workspace_id: str, user_id: UUID) -> str:
    from psycopg import AsyncConnection

    from shared.postgres.api_keys import create_key

    async with await AsyncConnection.connect(dsn) as conn:
        return await create_key(
            conn, workspace_id=workspace_id, user_id=user_id, name="supastate local"
        )
