"""API keys by way of Postgres: whoever reaches the database may make them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn
from uuid import UUID, uuid4

from pydantic import JsonValue
from rich.table import Table

from cli.connection import choose_workspace, find_settings, open_postgres
from cli.errors import CommandError
from cli.terminal import local_time, out, plain, print_json
from cli.views.jobs import ID_CHARACTERS
from shared.postgres import api_keys, noted_keys
from shared.postgres.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is for."""

    user_id: UUID | None
    name: str
    scopes: Sequence[str] | None
    days: int | None
    requests_per_minute: int | None


def create_key(workspace: str | None, wanted: NewKey) -> str:
    """Return a new key for the workspace."""
    return asyncio.run(_create(choose_workspace(workspace), wanted))


def rotate_key(workspace: str | None, key_id: UUID, *, grace_hours: int) -> str:
    """Return a new key in place of another.

    Raises:
        CommandError: the workspace has no such valid key.
    """
    grace = timedelta(hours=grace_hours)
    return asyncio.run(_rotate(choose_workspace(workspace), key_id, grace)) or _fail(key_id)


def list_keys(workspace: str | None) -> list[ApiKey]:
    """Return the workspace's keys, newest first."""
    return asyncio.run(_list(choose_workspace(workspace)))


def revoke_key(workspace: str | None, key_id: UUID) -> None:
    """Make the key useless.

    Raises:
        CommandError: the workspace has no such valid key.
    """
    if not asyncio.run(_revoke(choose_workspace(workspace), key_id)):
        _fail(key_id)


def _fail(key_id: UUID) -> NoReturn:
    raise CommandError(
        f"no valid key {key_id} in this workspace",
        next_step="`supastate keys list` shows the keys and which are valid.",
    )


def show_keys(keys: Sequence[ApiKey], *, as_json: bool) -> None:
    """Print the keys."""
    if as_json:
        print_json([_to_json(key) for key in keys])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=ID_CHARACTERS)
    for heading in ("name", "starts with", "may", "created", "last used", "state"):
        table.add_column(heading)
    for key in keys:
        table.add_row(
            str(key.id),
            plain(key.name),
            plain(key.prefix),
            " ".join(key.scopes),
            local_time(key.created_at),
            local_time(key.last_used_at),
            _describe_state(key),
        )
    out().print(table)


def _describe_state(key: ApiKey) -> str:
    ends = key.revoked_at or key.expires_at
    if key.state == "valid":
        return f"valid until {local_time(ends)}" if ends else "valid"
    return f"{key.state} {local_time(ends)}"


async def _create(workspace: str, wanted: NewKey) -> str:
    async with open_postgres(find_settings()) as conn:
        made = await noted_keys.create_noted_key(
            conn,
            workspace_id=workspace,
            user_id=wanted.user_id or uuid4(),
            name=wanted.name,
            scopes=wanted.scopes or api_keys.DEFAULT_SCOPES,
            requests_per_minute=wanted.requests_per_minute,
            lifetime=timedelta(days=wanted.days) if wanted.days else None,
        )
    return made.text


async def _rotate(workspace: str, key_id: UUID, grace: timedelta) -> str | None:
    async with open_postgres(find_settings()) as conn:
        made = await noted_keys.rotate_noted_key(conn, workspace, key_id, grace=grace)
    return made and made.text


async def _list(workspace: str) -> list[ApiKey]:
    async with open_postgres(find_settings()) as conn:
        return await api_keys.list_keys(conn, workspace)


async def _revoke(workspace: str, key_id: UUID) -> bool:
    async with open_postgres(find_settings()) as conn:
        return await noted_keys.revoke_noted_key(conn, workspace, key_id)


def _to_json(key: ApiKey) -> JsonValue:
    return {
        "id": str(key.id),
        "workspace_id": key.workspace_id,
        "user_id": str(key.user_id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": [*key.scopes],
        "requests_per_minute": key.requests_per_minute,
        "replaces": str(key.replaces) if key.replaces else None,
        "state": key.state,
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
