"""The SQL of answers to requests. Functions take `conn` first and never commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from faststream_pgmq.delivery import Delivery
from faststream_pgmq.queries import as_object
from faststream_pgmq.replying import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Outgoing

SEND_REPLIES: Final[LiteralString] = """
SELECT faststream_pgmq.send_reply(sent.address, sent.message::jsonb, sent.headers::jsonb)
FROM unnest(%(addresses)s::text[], %(messages)s::text[], %(headers)s::text[])
     AS sent (address, message, headers)
"""

TAKE_REPLIES: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM faststream_pgmq.reply WHERE inbox = %(inbox)s
    RETURNING reply_id, address, sent_at, coalesce(message, 'null')::text AS body,
              headers::text AS headers
)
SELECT address, reply_id, sent_at, clock_timestamp(), body, headers FROM taken ORDER BY reply_id
"""


async def send_replies(conn: AsyncConnection[Any], replies: Sequence[Outgoing]) -> None:
    """Answer requests; each reply's queue is the address of its requester."""
    await conn.execute(
        SEND_REPLIES,
        {
            "addresses": [reply.queue for reply in replies],
            "messages": [reply.text for reply in replies],
            "headers": [reply.encode_headers() for reply in replies],
        },
    )


async def take_replies(conn: AsyncConnection[Any], inbox: str) -> list[tuple[str, Delivery]]:
    """Remove and return all answers in an inbox, each with the address it was sent to."""
    rows = await (await conn.execute(TAKE_REPLIES, {"inbox": inbox})).fetchall()
    return [(row[0], _reply(*row[1:])) for row in rows]


def _reply(reply_id: int, sent_at: datetime, now: datetime, body: str, headers: str) -> Delivery:
    return Delivery(TEMPORARY, reply_id, 1, sent_at, now, body, as_object(headers))
