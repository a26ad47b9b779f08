"""API keys made, rotated and revoked where Postgres is: each change with its audit entry."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.api_keys import (
    DEFAULT_SCOPES,
    IssuedKey,
    issue_key,
    revoke_key,
    rotate_key,
)
from shared.postgres.audit import Action, CommandLine, record_action

Conn = AsyncConnection[TupleRow]
COMMAND_LINE: Final = "command line"


async def create_noted_key(
    conn: Conn,
    *,
    workspace_id: str,
    user_id: UUID,
    name: str,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    requests_per_minute: int | None = None,
    lifetime: timedelta | None = None,
) -> IssuedKey:
    """Return a new key, as `issue_key` makes it."""
    async with conn.transaction():
        made = await issue_key(
            conn,
            workspace_id=workspace_id,
            user_id=user_id,
            name=name,
            scopes=scopes,
            requests_per_minute=requests_per_minute,
            lifetime=lifetime,
        )
        await record_action(conn, whoever_is_here(workspace_id), made_key(made))
    return made


async def rotate_noted_key(
    conn: Conn, workspace_id: str, key_id: UUID, *, grace: timedelta
) -> IssuedKey | None:
    """Return a new key in place of another, as `rotate_key` makes it."""
    async with conn.transaction():
        made = await rotate_key(conn, workspace_id, key_id, grace=grace)
        if made is not None:
            await record_action(conn, whoever_is_here(workspace_id), rotated_key(key_id, made))
    return made


async def revoke_noted_key(conn: Conn, workspace_id: str, key_id: UUID) -> bool:
    """Return whether a valid key was revoked."""
    async with conn.transaction():
        is_done = await revoke_key(conn, workspace_id, key_id)
        if is_done:
            await record_action(conn, whoever_is_here(workspace_id), revoked_key(key_id))
    return is_done


def made_key(made: IssuedKey) -> Action:
    """Return what the audit log holds of a new key."""
    scopes = {"scopes": " ".join(made.row.scopes)}
    return Action("key.create", str(made.row.id), scopes, count=1)


def rotated_key(key_id: UUID, made: IssuedKey) -> Action:
    """Return what the audit log holds of a key that another one replaces."""
    return Action("key.rotate", str(key_id), {"replaced_by": str(made.row.id)}, count=1)


def revoked_key(key_id: UUID) -> Action:
    """Return what the audit log holds of a key that is refused from now on."""
    return Action("key.revoke", str(key_id), count=1)


def whoever_is_here(workspace_id: str) -> CommandLine:
    """Return the account of the machine that the command runs as."""
    try:
        return CommandLine(workspace_id, f"{COMMAND_LINE} ({getpass.getuser()})")
    except (OSError, KeyError):  # a container's account needs no name
        return CommandLine(workspace_id, COMMAND_LINE)
