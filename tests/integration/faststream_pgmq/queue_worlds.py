"""The two implementations of queues, opened so that a test can look into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from faststream_pgmq.delivery import ATTEMPTS, DEAD_LETTER, LAST_ERROR, RELEASED, Outgoing
from faststream_pgmq.memory import MemoryQueues, StoredMessage
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.storage import Queues
from tests.integration.faststream_pgmq.queue_model import Seen
from tests.integration.faststream_pgmq.support import fetch_all

QUEUE = "jobs"
SPENT = (DEAD_LETTER, ATTEMPTS, RELEASED, LAST_ERROR)
NEVER_SOONER = 1e9
LOOK = """
    SELECT 'queue', msg_id, message, read_ct, headers, vt <= now() FROM pgmq.q_jobs
    UNION ALL
    SELECT 'archive', msg_id, message, read_ct, headers, false FROM pgmq.a_jobs
    UNION ALL
    SELECT 'dead', msg_id, message, (headers->'dead_letter'->>'deliveries')::int, headers, true
    FROM pgmq.q_jobs_dlq
    UNION ALL
    SELECT 'replies', msg_id, message, read_ct, headers, true FROM pgmq.q_results
    ORDER BY 1, 2
"""
EXPIRE = "UPDATE pgmq.q_jobs SET vt = 'epoch' WHERE message = to_jsonb(%s::int)"
MSG_ID = "SELECT msg_id FROM pgmq.q_jobs WHERE message = to_jsonb(%s::int)"
REDRIVE = """
    SELECT faststream_pgmq.redrive('jobs', ARRAY(
        SELECT msg_id FROM pgmq.q_jobs_dlq WHERE message = ANY (ARRAY(
            SELECT to_jsonb(n) FROM unnest(%s::int[]) AS n))))
"""
EMPTY = """
    DELETE FROM pgmq.q_jobs; DELETE FROM pgmq.a_jobs; DELETE FROM pgmq.q_jobs_dlq;
    DELETE FROM pgmq.q_results; DELETE FROM faststream_pgmq.queue_state
"""
View = dict[str, list[Seen]]


class World(Protocol):
    """Queues, and what a test does behind their back."""

    @property
    def queues(self) -> Queues: ...
    async def empty(self) -> None: ...
    async def look(self) -> View: ...
    async def msg_id(self, n: int) -> int: ...
    async def expire(self, n: int) -> None: ...
    async def redrive(self, numbers: Sequence[int]) -> int: ...


def seen(n: int, read_ct: int, headers: dict[str, Any], *, due: bool) -> Seen:
    """Return what the model would call this row."""
    counts = (read_ct, headers.get(ATTEMPTS, 0), headers.get(RELEASED, 0))
    return (n, *counts, headers.get("dedup_key"), tuple(headers.get("tracelinks", ())), due)


class PostgresWorld:
    def __init__(self, queues: PostgresQueues) -> None:
        self.queues = queues

    async def empty(self) -> None:
        async with self.queues.pool.connection() as conn:
            await conn.execute(EMPTY)

    async def look(self) -> View:
        view: View = {"queue": [], "archive": [], "dead": [], "replies": []}
        async with self.queues.pool.connection() as conn:
            for place, _, n, read_ct, headers, due in await fetch_all(conn, LOOK):
                view[place].append(seen(n, read_ct, headers, due=due))
        return view

    async def msg_id(self, n: int) -> int:
        async with self.queues.pool.connection() as conn:
            return (await fetch_all(conn, MSG_ID, n))[0]

    async def expire(self, n: int) -> None:
        async with self.queues.pool.connection() as conn:
            await conn.execute(EXPIRE, (n,))

    async def redrive(self, numbers: Sequence[int]) -> int:
        async with self.queues.pool.connection() as conn:
            return (await fetch_all(conn, REDRIVE, list(numbers)))[0]


class MemoryWorld:
    def __init__(self) -> None:
        self.queues = MemoryQueues()

    async def empty(self) -> None:
        self.queues = MemoryQueues()

    async def look(self) -> View:
        now, stored = self.queues.now(), self.queues[QUEUE]
        dead = self.queues["jobs_dlq"].messages.values()
        replies = self.queues["results"].messages.values()
        return {
            "queue": [_row(row, due=row.vt <= now) for row in stored.messages.values()],
            "archive": sorted(_row(row, due=False) for row in stored.archive),
            "dead": [_letter(row) for row in dead],
            "replies": [_row(row, due=True) for row in replies],
        }

    async def msg_id(self, n: int) -> int:
        return self._find(n).msg_id

    async def expire(self, n: int) -> None:
        self._find(n).vt = self.queues.now()

    async def redrive(self, numbers: Sequence[int]) -> int:
        letters = self.queues["jobs_dlq"].messages
        meant = [one for one in letters.values() if one.body in numbers]
        for letter in sorted(meant, key=lambda one: (one.headers.get("dedup_key", ""), one.msg_id)):
            del letters[letter.msg_id]
            await self._send_again(letter)
        return len(meant)

    async def _send_again(self, letter: StoredMessage) -> None:
        headers = {name: value for name, value in letter.headers.items() if name not in SPENT}
        key = headers.get("dedup_key")
        rows = self.queues[QUEUE].messages.values()
        merges = any(one.read_ct == 0 and one.headers.get("dedup_key") == key for one in rows)
        # A redriven message that merges does not make the waiting one due.
        delay = NEVER_SOONER if key is not None and merges else 0.0
        await self.queues.send(QUEUE, [Outgoing(QUEUE, letter.text, headers, delay)])

    def _find(self, n: int) -> StoredMessage:
        return next(one for one in self.queues[QUEUE].messages.values() if one.body == n)


def _row(row: StoredMessage, *, due: bool) -> Seen:
    return seen(row.body, row.read_ct, row.headers, due=due)


def _letter(row: StoredMessage) -> Seen:
    return seen(row.body, row.headers[DEAD_LETTER]["deliveries"], row.headers, due=True)
