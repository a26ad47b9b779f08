"""Dead letters of several kinds, hostile ones among them, and an operation of before."""

from __future__ import annotations

from tests.browser.world import World
from tests.integration.api.letters import TRACEBACK, file_letters

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


async def seed(world: World) -> None:
    """Fill the dead letter queues."""
    conn, ours = world.conn, world.workspace_id
    await file_letters(conn, ours, 120, message="the model 'm1' does not answer", apart="7 minutes")
    await file_letters(
        conn, ours, 2, queue="pattern_detection", error="KeyError", message="'topic'",
        traceback=TRACEBACK + "KeyError: 'topic'\n", release="1.4.2", deliveries=6, ago="2 hours",
        enqueued_at="2026-01-31T12:00:00+00:00", headers={"traceparent": TRACEPARENT},
    )  # fmt: skip
    await file_letters(
        conn, ours, 1, queue="summary_generation", error=HOSTILE[:60], message=HOSTILE,
        traceback=f'  File "/app/shared/{HOSTILE[:9]}.py", line 1, in x\n    {HOSTILE}\n',
        payload={HOSTILE: [HOSTILE]}, headers={"note": HOSTILE}, release=HOSTILE,
    )  # fmt: skip
    await file_letters(conn, world.other_workspace_id, 3, message="of somebody else")
    await conn.execute(
        "INSERT INTO operations (workspace_id, kind, queue, filter, total, done, skipped, state,"
        " reason, requested_by, key_id, started_at, finished_at) VALUES (%s, 'redrive',"
        " 'memory_ingestion', '{\"error\": \"ValueError\"}', 412, 410, 2, 'done', %s, 'Ada',"
        " gen_random_uuid(), now(), now())",
        (ours, HOSTILE),
    )
