"""Rebuilds the graph from Postgres, and says how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType

from cli.connection import choose_workspace, find_settings, open_neo4j, open_postgres
from cli.terminal import err, plain
from faststream_pgmq import PgmqBroker
from shared.postgres.stored import list_workspaces
from shared.postgres.workspaces import own_spellings
from shared.rebuild import Rebuilt, Wanted, rebuild
from shared.settings import Settings


def rebuild_workspaces(workspace: str | None, wanted: Wanted, *, every: bool) -> list[Rebuilt]:
    """Queue what is outdated, in one job for each workspace that has any; say how far it is."""
    chosen = [] if every else own_spellings(choose_workspace(workspace))
    with err().status("Comparing Neo4j with Postgres") as status:
        return asyncio.run(
            _rebuild(find_settings(), chosen, wanted, lambda done: status.update(_say(done)))
        )


async def _rebuild(
    settings: Settings, chosen: Sequence[str], wanted: Wanted, show: Callable[[Rebuilt], None]
) -> list[Rebuilt]:
    """Rebuild the chosen workspaces, all where none is chosen."""
    broker, done = PgmqBroker(settings.postgres_dsn.get_secret_value()), list[Rebuilt]()
    async with open_postgres(settings) as conn, open_neo4j(settings) as driver, broker:
        for workspace_id in chosen or await list_workspaces(conn):
            result = Rebuilt(workspace_id)
            async for result in rebuild(conn, driver, broker, workspace_id, wanted):
                show(result)
            done.append(result)
    return [one for one in done if one.seen]


def show(done: Sequence[Rebuilt]) -> RenderableType:
    """Return a line for each workspace, and what may be asked next."""
    lines = [plain(_say(one)) for one in done]
    jobs = [plain(f"supastate jobs {one.job_id}", "dim") for one in done if one.queued]
    return Group(*(lines or [plain("Nothing is stored here.")]), *jobs)


def _say(done: Rebuilt) -> str:
    return (
        f"{done.workspace_id}: {done.outdated:,} of {done.seen:,} missing or out of date, "
        f"{done.queued:,} queued"
    )
