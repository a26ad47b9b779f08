"""Jobs in every state, one with secrets and hostile text."""

from __future__ import annotations

from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from shared.postgres.jobs import create_job
from tests.browser.world import World

HOSTILE = "<img src=x onerror=alert(1)> \"'&"
SEND = "SELECT pgmq.send('memory_ingestion', %s::jsonb, %s::jsonb)"


async def seed(world: World) -> None:
    """Store them."""
    for number in range(3):
        await start_job(world, [{"content": f"text {number}", "limit": number}])
    await start_job(world, [{"content": HOSTILE, HOSTILE: HOSTILE}] * 2)
    ended = await start_job(world, [{"content": "done"}])
    await world.conn.execute(
        "SELECT pgmq.archive('memory_ingestion', msg_id) FROM pgmq.q_memory_ingestion"
        " WHERE headers->>'job_id' = %s",
        (str(ended),),
    )
    failed = await start_job(world, [{"content": "bad", "token": "hunter2"}] * 2)
    await world.conn.execute(
        "UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 hour', read_ct = 1,"
        " headers = headers || %s WHERE headers->>'job_id' = %s",
        (Jsonb({"attempts": 1, "last_error": f"ValueError: {HOSTILE}"}), str(failed)),
    )


async def start_job(world: World, messages: list[dict[str, object]]) -> UUID:
    """Store a job with these messages, as the API would."""
    job_id = uuid4()
    await create_job(
        world.conn,
        job_id=job_id,
        workspace_id=world.workspace_id,
        user_id=world.user_id,
        kind="memory",
        submitted=len(messages),
    )
    headers = {
        "job_id": str(job_id),
        "group": world.workspace_id,
        "traceparent": f"00-{job_id.hex}-b7ad6b7169203331-01",
    }
    for message in messages:
        await world.conn.execute(SEND, (Jsonb(message), Jsonb(headers)))
    return job_id
