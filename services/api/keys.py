"""Makes an API key where only the API's container reaches Postgres.

docker compose exec api python -m services.api.keys --workspace team:<uuid> --user <uuid> --name ci
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from pydantic import TypeAdapter, ValidationError

from shared.messages import WorkspaceId
from shared.postgres.api_keys import create_key
from shared.settings import Settings


def main() -> None:
    """Print a new key; it cannot be read again."""
    parser = argparse.ArgumentParser(prog="services.api.keys", description="Make one API key.")
    parser.add_argument("--workspace", type=_workspace, default=f"team:{uuid4()}")
    parser.add_argument("--user", type=UUID, default=uuid4())
    parser.add_argument("--name", default="default")
    options = parser.parse_args()
    key = asyncio.run(_create(options.workspace, options.user, options.name))
    sys.stderr.write(f"workspace {options.workspace}, user {options.user}\n")
    sys.stdout.write(f"{key}\n")


def _workspace(text: str) -> str:
    try:
        return TypeAdapter[str](WorkspaceId).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError("team:<uuid> or user:<uuid>") from error


async def _create(workspace_id: str, user_id: UUID, name: str) -> str:
    dsn = Settings.load().postgres_dsn.get_secret_value()
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        return await create_key(conn, workspace_id=workspace_id, user_id=user_id, name=name)


if __name__ == "__main__":
    main()
