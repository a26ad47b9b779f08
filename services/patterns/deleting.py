"""Deletes all data of a workspace, a project or a user: pass by pass, until one finds nothing.

What was being worked on when a pass ended may write something after it, so the next pass waits
until that has ended. Every step finds what is left: a pass that is broken off loses nothing.
"""

from __future__ import annotations

from typing import Final

from neo4j import AsyncDriver

from services.patterns.erasing import (
    Pool,
    connection,
    erase_graph,
    erase_messages,
    erase_names,
    erase_rows,
    erase_traces,
    forget,
)
from services.patterns.handlers import detect_patterns
from shared.embedding import Embedder
from shared.messages import DeleteData, DetectPatterns
from shared.postgres.deletions import (
    Deletion,
    find_deletion,
    finish_deletion,
    list_worked_on,
    note_pass,
)

SEEN_AT_ONCE: Final = 5_000
"""A run reads whole weeks again for however little; a larger one holds its locks long."""
PAUSE_SECONDS: Final = 1.0


async def delete_data(
    job: DeleteData, *, pool: Pool, driver: AsyncDriver, embedder: Embedder
) -> float | None:
    """Make one pass; return after how many seconds the next is due, None when all is gone.

    Raises:
        DependencyDownError: a server does not answer; what is deleted stays so.
    """
    async with connection(pool) as conn:
        deletion = await find_deletion(conn, job.deletion_id)
        if deletion is None or deletion.finished_at:
            return None
        worked_on = {one.delivery for one in await list_worked_on(conn, deletion.id)}
    if worked_on & set(deletion.waits):
        return PAUSE_SECONDS
    has_found = await _erase(deletion, pool=pool, driver=driver, embedder=embedder)
    return await _end_pass(pool, deletion, has_found=has_found)


async def _erase(
    deletion: Deletion, *, pool: Pool, driver: AsyncDriver, embedder: Embedder
) -> bool:
    """Erase what is found; return whether anything was, also what must wait for a worker."""
    found = await erase_rows(pool, deletion)
    found += await erase_messages(pool, deletion)
    found += await erase_graph(pool, deletion, driver)
    if deletion.scope != "workspace":
        # Also where nothing was left to erase: a pass may have been broken off before this.
        await _detect_again(deletion, driver, embedder)
    found += await erase_names(pool, deletion, driver)
    return found > 0


async def _end_pass(pool: Pool, deletion: Deletion, *, has_found: bool) -> float | None:
    async with connection(pool) as conn:
        worked_on = await list_worked_on(conn, deletion.id)
        await note_pass(conn, deletion.id, [one.delivery for one in worked_on])
    # What was worked on before the first pass, nobody knows.
    if has_found or deletion.passes == 0 or any(one.is_ours for one in worked_on):
        return PAUSE_SECONDS if worked_on else 0.0
    # Last: the passes leave spans themselves.
    await erase_traces(pool, deletion)
    await forget(pool, deletion)
    async with connection(pool) as conn:
        await finish_deletion(conn, deletion.id)
    return None


async def _detect_again(deletion: Deletion, driver: AsyncDriver, embedder: Embedder) -> None:
    """Look at what is left: what was found in more than what is gone is found anew without it."""
    job = DetectPatterns(workspace_id=deletion.workspace_id, limit=SEEN_AT_ONCE)
    while (await detect_patterns(job, driver=driver, embedder=embedder)).has_more:
        pass
