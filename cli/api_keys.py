"""API keys by way of Postgres: whoever reaches the database may make them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

from pydantic import JsonValue
from rich.table import Table

from cli.connection import find_settings, find_workspace, open_postgres
from cli.errors import CommandError, UsageError
from cli.terminal import local_time, out, plain, print_json
from cli.views.jobs import ID_CHARACTERS
from shared.messages import WORKSPACE_PATTERN
from shared.postgres import api_keys
from shared.postgres.api_keys import ApiKey

_WORKSPACE: Final = re.compile(WORKSPACE_PATTERN)


def create_key(workspace: str | None, user_id: UUID | None, name: str) -> str:
    """Return a new key for the workspace."""
    return asyncio.run(_create(_check(workspace), user_id or uuid4(), name))


def list_keys(workspace: str | None) -> list[ApiKey]:
    """Return the workspace's keys, newest first."""
    return asyncio.run(_list(_check(workspace)))


def revoke_key(workspace: str | None, key_id: UUID) -> None:
    """Make the key useless.

    Raises:
        CommandError: the workspace has no such valid key.
    """
    if not asyncio.run(_revoke(_check(workspace), key_id)):
        raise CommandError(
            f"no valid key {key_id} in this workspace",
            next_step="`supastate keys list` shows the keys and which are revoked.",
        )


def show_keys(keys: Sequence[ApiKey], *, as_json: bool) -> None:
    """Print the keys."""
    if as_json:
        print_json([_to_json(key) for key in keys])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=ID_CHARACTERS)
    for heading in ("name", "starts with", "created", "last used", "state"):
        table.add_column(heading)
    for key in keys:
        state = f"revoked {local_time(key.revoked_at)}" if key.revoked_at else "valid"
        used, created = local_time(key.last_used_at), local_time(key.created_at)
        table.add_row(str(key.id), plain(key.name), plain(key.prefix), created, used, state)
    out().print(table)


async def _create(workspace: str, user_id: UUID, name: str) -> str:
    async with open_postgres(find_settings()) as conn:
        return await api_keys.create_key(conn, workspace_id=workspace, user_id=user_id, name=name)


async def _list(workspace: str) -> list[ApiKey]:
    async with open_postgres(find_settings()) as conn:
        return await api_keys.list_keys(conn, workspace)


async def _revoke(workspace: str, key_id: UUID) -> bool:
    async with open_postgres(find_settings()) as conn:
        return await api_keys.revoke_key(conn, workspace, key_id)


def _check(workspace: str | None) -> str:
    chosen = workspace or find_workspace()
    if not chosen:
        raise UsageError(
            "which workspace?", next_step="Name it with --workspace team:<uuid> or user:<uuid>."
        )
    if not _WORKSPACE.match(chosen):
        raise UsageError(
            f"{chosen!r} is no workspace", next_step="It looks like team:<uuid> or user:<uuid>."
        )
    return chosen


def _to_json(key: ApiKey) -> JsonValue:
    return {
        "id": str(key.id),
        "workspace_id": key.workspace_id,
        "user_id": str(key.user_id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": [*key.scopes],
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
