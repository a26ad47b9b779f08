"""Makes, lists, rotates and revokes API keys where only the API's container reaches Postgres.

docker compose exec api python -m services.api.keys create --workspace team:<uuid> --name ci
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import TypeAdapter, ValidationError

from shared.messages import WorkspaceId
from shared.postgres.api_keys import (
    DEFAULT_SCOPES,
    SCOPES,
    list_keys,
)
from shared.postgres.noted_keys import create_noted_key, revoke_noted_key, rotate_noted_key
from shared.settings import Settings

Connection = AsyncConnection[TupleRow]
Command = Callable[[Connection, argparse.Namespace], Awaitable[str]]


def main() -> None:
    """Run one command; what it answers is on stdout."""
    options = _read_options()
    sys.stdout.write(asyncio.run(_run(options.command, options)))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="services.api.keys", description=__doc__)
    commands = parser.add_subparsers(required=True)
    create = commands.add_parser("create", help="print a new key; it cannot be read again")
    create.add_argument("--workspace", type=_workspace, default=f"team:{uuid4()}")
    create.add_argument("--user", type=UUID, default=uuid4())
    create.add_argument("--name", default="default")
    create.add_argument(
        "--scope", action="append", choices=SCOPES, help="several times for several"
    )
    create.add_argument("--days", type=int, help="how long it is valid; else for ever")
    create.set_defaults(command=_create)
    listing = commands.add_parser("list", help="list a workspace's keys")
    listing.add_argument("--workspace", type=_workspace, required=True)
    listing.set_defaults(command=_list)
    rotate = commands.add_parser("rotate", help="print a new key in place of another")
    rotate.add_argument("--workspace", type=_workspace, required=True)
    rotate.add_argument("--grace-hours", type=int, default=24, help="the old one works so long")
    rotate.add_argument("id", type=UUID)
    rotate.set_defaults(command=_rotate)
    revoke = commands.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("--workspace", type=_workspace, required=True)
    revoke.add_argument("id", type=UUID)
    revoke.set_defaults(command=_revoke)
    return parser.parse_args()


def _workspace(text: str) -> str:
    try:
        return TypeAdapter[str](WorkspaceId).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError("team:<uuid> or user:<uuid>") from error


async def _run(command: Command, options: argparse.Namespace) -> str:
    dsn = Settings.load().postgres_dsn.get_secret_value()
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        return await command(conn, options)


async def _create(conn: Connection, options: argparse.Namespace) -> str:
    sys.stderr.write(f"workspace {options.workspace}, user {options.user}\n")
    made = await create_noted_key(
        conn,
        workspace_id=options.workspace,
        user_id=options.user,
        name=options.name,
        scopes=options.scope or DEFAULT_SCOPES,
        lifetime=timedelta(days=options.days) if options.days else None,
    )
    return f"{made.text}\n"


async def _rotate(conn: Connection, options: argparse.Namespace) -> str:
    grace = timedelta(hours=options.grace_hours)
    made = await rotate_noted_key(conn, options.workspace, options.id, grace=grace)
    return f"{made.text}\n" if made else "no such valid key in this workspace\n"


async def _list(conn: Connection, options: argparse.Namespace) -> str:
    keys = await list_keys(conn, options.workspace)
    return "".join(f"{key.id} {key.prefix}… {key.state} {key.name}\n" for key in keys)


async def _revoke(conn: Connection, options: argparse.Namespace) -> str:
    revoked = await revoke_noted_key(conn, options.workspace, options.id)
    return "revoked\n" if revoked else "no such valid key in this workspace\n"


if __name__ == "__main__":
    main()
