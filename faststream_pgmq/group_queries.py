"""The SQL of reading by groups; see `queries` and sql/35_groups.sql.

The groups of a queue stand in a ring. A read goes round it from where the last one stopped and
finds the groups that have something due, by one look into the index each, until it has enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from faststream_pgmq.grouping import group_of, last_visited
from faststream_pgmq.queries import TAKE_DUE, claimed_rows, statement

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Claimed
    from faststream_pgmq.grouping import Grouping

# The first message of each group, by what the index has behind the group.
_WALK: Final[LiteralString] = """
WITH RECURSIVE ring (name, vt, is_round) AS (
    SELECT %(after)s::text COLLATE "C", 'infinity'::timestamptz, false
    UNION ALL
    SELECT later.name, later.vt, later.is_round
    FROM ring, LATERAL (
        (SELECT {group} AS name, vt, ring.is_round FROM {queue}
         WHERE {group} > ring.name ORDER BY {group}, FIRST LIMIT 1)
        UNION ALL
        (SELECT {group}, vt, true FROM {queue}
         WHERE NOT ring.is_round ORDER BY {group}, FIRST LIMIT 1)
        LIMIT 1
    ) AS later
    WHERE NOT later.is_round OR later.name <= %(after)s
)"""
_WALK_BY_VT: Final[LiteralString] = _WALK.replace("FIRST", "{due_in_group}")
_WALK_BY_ID: Final[LiteralString] = _WALK.replace("FIRST", "{place_in_group}")

# In turn: the same share for each group, and what that leaves for whoever has been waiting longest.
CLAIM_FAIR: Final[LiteralString] = (
    _WALK_BY_VT
    + """, found AS MATERIALIZED (
    SELECT name FROM ring WHERE vt <= now() AND {not_paused} LIMIT %(limit)s
), shares AS MATERIALIZED (
    SELECT first.msg_id
    FROM found, LATERAL (
        SELECT msg_id FROM {queue}
        WHERE {group} = found.name AND {due_in_group} <= timezone('UTC', now())
        ORDER BY {due_in_group}
        LIMIT greatest(1, %(limit)s / (SELECT count(*) FROM found))
        FOR UPDATE SKIP LOCKED
    ) AS first
), rest AS (
    SELECT msg_id
    FROM {queue}
    WHERE vt <= now() AND {not_paused} AND msg_id <> ALL (ARRAY(SELECT msg_id FROM shares))
    ORDER BY vt
    LIMIT greatest(0, %(limit)s - (SELECT count(*) FROM shares))
    FOR UPDATE SKIP LOCKED
), due AS (
    SELECT msg_id FROM shares UNION ALL SELECT msg_id FROM rest"""
    + TAKE_DUE
)

_IN_HAND: Final[LiteralString] = """(
    SELECT count(*) FROM (
        SELECT FROM {queue}
        WHERE {group} = NAME AND last_read_at IS NOT NULL
          AND {due_in_group} > timezone('UTC', now())
        LIMIT %(most)s
    ) AS few
)"""

# Locked first, claimed by the next statement: what others claimed while they had the lock is in
# that one's snapshot, and not always in this one's. Nobody waits: a locked group is being served.
_LOCK_GROUPS: Final[LiteralString] = """, found AS MATERIALIZED (
    SELECT name FROM ring
    WHERE vt <= now() AND {not_paused} AND %(most)s > IN_HAND
    LIMIT %(limit)s
)
SELECT name FROM found
WHERE pg_try_advisory_xact_lock(hashtextextended({bell} || '.group.' || name, 0))
"""
_IN_RING: Final[LiteralString] = _IN_HAND.replace("NAME", "ring.name")
LOCK_GROUPS_BY_VT: Final[LiteralString] = _WALK_BY_VT + _LOCK_GROUPS.replace("IN_HAND", _IN_RING)
LOCK_GROUPS_BY_ID: Final[LiteralString] = _WALK_BY_ID + _LOCK_GROUPS.replace("IN_HAND", _IN_RING)

_IN_GROUP: Final[LiteralString] = _IN_HAND.replace("NAME", "locked.name")
CLAIM_LIMITED: Final[LiteralString] = (
    """
WITH due AS (
    SELECT first.msg_id
    FROM unnest(%(names)s::text[]) AS locked (name), LATERAL (
        SELECT msg_id FROM {queue}
        WHERE {group} = locked.name AND {due_in_group} <= timezone('UTC', now()) AND {not_paused}
        ORDER BY {due_in_group}
        LIMIT least(
            greatest(1, %(limit)s / nullif(cardinality(%(names)s::text[]), 0)),
            %(most)s - """
    + _IN_GROUP
    + """
        )
        FOR UPDATE SKIP LOCKED
    ) AS first"""
    + TAKE_DUE
)

# The head first, locked then: a head that is locked must not let the next one pass.
CLAIM_ORDERED: Final[LiteralString] = (
    """
WITH due AS (
    SELECT msg_id FROM {queue}
    WHERE msg_id = ANY (ARRAY(
        SELECT head.msg_id
        FROM unnest(%(names)s::text[]) AS locked (name), LATERAL (
            SELECT msg_id, vt FROM {queue}
            WHERE {group} = locked.name ORDER BY {place_in_group} LIMIT 1
        ) AS head
        WHERE head.vt <= now() AND {not_paused} AND %(most)s > """
    + _IN_GROUP
    + """
    ))
    FOR UPDATE SKIP LOCKED"""
    + TAKE_DUE
)


async def claim_by_groups(
    conn: AsyncConnection[Any],
    queue: str,
    grouping: Grouping,
    *,
    after: str,
    limit: int,
    lease: float,
) -> tuple[Claimed, str]:
    """Hide and return due messages, and the group behind which the next read goes on."""
    parameters: dict[str, Any] = {"after": after, "limit": limit, "lease": lease}
    if grouping.is_limited:
        claimed = await _claim_limited(conn, queue, grouping, parameters)
    else:
        cursor = await conn.execute(statement(CLAIM_FAIR, queue), parameters)
        claimed = claimed_rows(queue, await cursor.fetchall())
    names = {group_of(delivery.headers) for delivery in claimed.deliveries}
    return claimed, last_visited(names, after)


async def _claim_limited(
    conn: AsyncConnection[Any], queue: str, grouping: Grouping, parameters: dict[str, Any]
) -> Claimed:
    parameters["most"] = grouping.most
    lock = LOCK_GROUPS_BY_ID if grouping.in_order else LOCK_GROUPS_BY_VT
    claim = CLAIM_ORDERED if grouping.in_order else CLAIM_LIMITED
    async with conn.transaction():
        locked = await conn.execute(statement(lock, queue), parameters)
        parameters["names"] = [row[0] for row in await locked.fetchall()]
        cursor = await conn.execute(statement(claim, queue), parameters)
        return claimed_rows(queue, await cursor.fetchall())
