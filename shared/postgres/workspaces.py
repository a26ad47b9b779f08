"""Which workspaces a transaction is for; row-level security shows it no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

SHOW_WORKSPACES: Final[LiteralString] = "SELECT set_config('supastate.workspaces', %s, true)"


def own_spellings(workspace_id: str) -> list[str]:
    """Return how rows and messages may name a workspace: old ones carry the bare uuid."""
    return list(dict.fromkeys((workspace_id, workspace_id.rpartition(":")[2])))


async def show_workspaces(conn: AsyncConnection[TupleRow], workspace_ids: Sequence[str]) -> None:
    """Show the rest of the transaction these workspaces."""
    await conn.execute(SHOW_WORKSPACES, (",".join(workspace_ids),))
