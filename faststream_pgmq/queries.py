"""All SQL of the broker, over pgmq's own tables. Functions take `conn` first and never commit.

`{queue}`, `{archive}` and `{dead}` are the tables of one queue. A lease is `(msg_id, read_ct)`:
`read_ct` only grows, so who lost a lease cannot end another's delivery.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, LiteralString, cast

from faststream._internal._compat import dump_json, json_loads  # pyright: ignore[reportUnknownVariableType]  # orjson or json, untyped
from psycopg import sql

from faststream_pgmq.delivery import Claimed, Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Dead, Deferred, Outgoing

# A pause for all consumers, as each claim must ask for it: Postgres looks once in a statement, not
# once in a row, and nothing can be claimed by a statement that begins after the pause's commit.
NOT_PAUSED: Final[LiteralString] = (
    "NOT EXISTS (SELECT FROM faststream_pgmq.queue_state WHERE queue = {name})"
)
# As in the indexes that sql/35_groups.sql makes.
GROUP_OF: Final[LiteralString] = '(faststream_pgmq.group_of(headers) COLLATE "C")'
DUE_IN_GROUP: Final[LiteralString] = "timezone('UTC', vt)"
PLACE_IN_GROUP: Final[LiteralString] = "(msg_id + 0)"
PAUSE_REASON: Final[LiteralString] = (
    "(SELECT reason FROM faststream_pgmq.queue_state WHERE queue = {name})"
)

# From the low-water mark on, in the order of sending: dead rows below it would be visited again
# and again. `now()` and not `clock_timestamp()`: a volatile condition could not use an index.
DUE_FROM_MARK: Final[LiteralString] = """
    SELECT msg_id
    FROM {queue}
    WHERE msg_id >= %(mark)s AND vt <= now() AND {not_paused}
    ORDER BY msg_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
"""

# The complete look, in the order of becoming due: what is hidden, however much, is not visited.
DUE_ANYWHERE: Final[LiteralString] = """
    SELECT msg_id
    FROM {queue}
    WHERE vt <= now() AND {not_paused}
    ORDER BY vt
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
"""

# ANY (ARRAY(…)) and not a join, here and below: at some ten thousand rows a join would hash the
# whole queue. An empty read also says when the next hidden message is due, from the same snapshot.
# Its commit waits for no disk: a claim that a crash of the server forgets is made again.
TAKE_DUE: Final[LiteralString] = """
), claimed AS (
    UPDATE {queue} AS message
    SET vt = clock_timestamp() + make_interval(secs => %(lease)s),
        last_read_at = clock_timestamp(),
        read_ct = message.read_ct + 1
    WHERE message.msg_id = ANY (ARRAY(SELECT msg_id FROM due))
    RETURNING message.msg_id, message.read_ct, message.enqueued_at, message.last_read_at,
              coalesce(message.message, 'null')::text AS body, message.headers::text AS headers
)
SELECT claimed.msg_id, claimed.read_ct, claimed.enqueued_at, claimed.last_read_at,
       claimed.body, claimed.headers,
       CASE WHEN claimed.msg_id IS NULL THEN (
           SELECT extract(epoch FROM min(vt) - clock_timestamp())::float8
           FROM {queue} WHERE vt > now()
       ) END AS next_due,
       CASE WHEN claimed.msg_id IS NULL THEN {pause_reason} END AS paused
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS always LEFT JOIN claimed ON true
ORDER BY claimed.msg_id
"""
CLAIM: Final[LiteralString] = "WITH due AS (" + DUE_FROM_MARK + TAKE_DUE
CLAIM_ANYWHERE: Final[LiteralString] = "WITH due AS (" + DUE_ANYWHERE + TAKE_DUE

# Never waits: a row that is being settled right now needs no longer lease, and so no deadlock.
# What went back to the queue was read by nobody since (see DEFER): that is no lease.
EXTEND: Final[LiteralString] = """
UPDATE {queue} AS message
SET vt = clock_timestamp() + make_interval(secs => %(lease)s)
FROM (
    SELECT held.msg_id
    FROM {queue} AS held
    JOIN unnest(%(ids)s::bigint[], %(fences)s::integer[]) AS lease (msg_id, read_ct)
      ON held.msg_id = lease.msg_id AND held.read_ct = lease.read_ct
    WHERE held.msg_id = ANY (%(ids)s::bigint[]) AND held.last_read_at IS NOT NULL
    FOR UPDATE OF held SKIP LOCKED
) AS mine
WHERE message.msg_id = mine.msg_id AND message.msg_id = ANY (%(ids)s::bigint[])
"""

FIND_HELD: Final[LiteralString] = """
SELECT held.msg_id
FROM {queue} AS held
JOIN unnest(%(ids)s::bigint[], %(fences)s::integer[]) AS lease (msg_id, read_ct)
  ON held.msg_id = lease.msg_id AND held.read_ct = lease.read_ct
WHERE held.msg_id = ANY (%(ids)s::bigint[]) AND held.last_read_at IS NOT NULL
"""

ARCHIVE: Final[LiteralString] = """
WITH done AS (
    DELETE FROM {queue} AS message
    USING unnest(%(ids)s::bigint[], %(fences)s::integer[]) AS lease (msg_id, read_ct)
    WHERE message.msg_id = lease.msg_id AND message.read_ct = lease.read_ct
      AND message.msg_id = ANY (%(ids)s::bigint[])
    RETURNING message.msg_id, message.read_ct, message.enqueued_at, message.last_read_at,
              message.vt, message.message, message.headers
)
INSERT INTO {archive} (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers)
SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers FROM done
RETURNING msg_id
"""

DELETE: Final[LiteralString] = """
DELETE FROM {queue} AS message
USING unnest(%(ids)s::bigint[], %(fences)s::integer[]) AS lease (msg_id, read_ct)
WHERE message.msg_id = lease.msg_id AND message.read_ct = lease.read_ct
  AND message.msg_id = ANY (%(ids)s::bigint[])
RETURNING message.msg_id
"""

# `last_read_at` NULL tells what waits for its next attempt from what somebody has in hand.
DEFER: Final[LiteralString] = """
UPDATE {queue} AS message
SET vt = clock_timestamp() + make_interval(secs => back.delay),
    last_read_at = NULL,
    headers = CASE jsonb_typeof(message.headers) WHEN 'object' THEN message.headers ELSE '{{}}' END
              || back.headers::jsonb
FROM unnest(%(ids)s::bigint[], %(fences)s::integer[], %(delays)s::float8[], %(headers)s::text[])
     AS back (msg_id, read_ct, delay, headers)
WHERE message.msg_id = back.msg_id AND message.read_ct = back.read_ct
  AND message.msg_id = ANY (%(ids)s::bigint[])
RETURNING message.msg_id
"""

BURY: Final[LiteralString] = """
WITH buried AS (
    DELETE FROM {queue} AS message
    USING unnest(%(ids)s::bigint[], %(fences)s::integer[], %(headers)s::text[], %(reports)s::text[])
          AS dead (msg_id, read_ct, headers, report)
    WHERE message.msg_id = dead.msg_id AND message.read_ct = dead.read_ct
      AND message.msg_id = ANY (%(ids)s::bigint[])
    RETURNING message.msg_id, message.message,
              CASE jsonb_typeof(message.headers) WHEN 'object' THEN message.headers ELSE '{{}}' END
              || dead.headers::jsonb
              || jsonb_build_object('dead_letter', dead.report::jsonb || jsonb_build_object(
                     'queue', %(name)s::text, 'msg_id', message.msg_id,
                     'deliveries', message.read_ct, 'enqueued_at', message.enqueued_at,
                     'failed_at', clock_timestamp())) AS headers
), filed AS (
    INSERT INTO {dead} (vt, message, headers)
    SELECT clock_timestamp(), message, headers FROM buried ORDER BY msg_id
)
SELECT msg_id FROM buried
"""

# By the server's clock alone: what is due in the past is due now, or it would stand before others.
# A NULL is no condition: `least` passes over it.
DUE: Final[LiteralString] = (
    "greatest(clock_timestamp(), "
    "least(clock_timestamp() + make_interval(secs => sent.delay), sent.at))"
)

# Binary parameters: as text, quoting the arrays takes the sender three times as long as the rest.
SEND: Final[LiteralString] = """
INSERT INTO {queue} (vt, message, headers)
SELECT {due}, sent.message::jsonb, sent.headers::jsonb
FROM unnest(%(messages)b::text[], %(headers)b::text[], %(delays)b::float8[], %(ats)b::timestamptz[])
     WITH ORDINALITY AS sent (message, headers, delay, at, n)
ORDER BY sent.n
RETURNING msg_id, true
"""

# DO UPDATE, not DO NOTHING: the waiting row stays locked until the sender commits, so nobody
# can run it before the sender's data is visible; and the statement trigger still rings.
SEND_MERGING: Final[LiteralString] = """
INSERT INTO {queue} AS waiting (vt, message, headers)
SELECT {due}, sent.message::jsonb, sent.headers::jsonb
FROM unnest(%(messages)b::text[], %(headers)b::text[], %(delays)b::float8[], %(ats)b::timestamptz[])
     WITH ORDINALITY AS sent (message, headers, delay, at, n)
ORDER BY sent.n
ON CONFLICT ((headers->>'dedup_key')) WHERE read_ct = 0 AND headers ? 'dedup_key' DO UPDATE
SET vt = least(waiting.vt, excluded.vt),
    headers = faststream_pgmq.merge_headers(waiting.headers, excluded.headers)
RETURNING msg_id, xmax = 0
"""

# As the trigger does for new messages: whoever sleeps learns when these are due.
RING: Final[LiteralString] = """
SELECT CASE WHEN pg_try_advisory_xact_lock_shared(hashtextextended(%(bell)s, 0)) THEN NULL
            ELSE pg_notify(%(bell)s, '') END
"""

QUEUE_STATE: Final = "faststream_pgmq.queue_state"
FIND_PARTS: Final[LiteralString] = """
SELECT to_regclass(%(queue)s) IS NOT NULL, to_regclass(%(archive)s) IS NOT NULL,
       to_regclass(%(dead)s) IS NOT NULL,
       to_regclass('faststream_pgmq.queue_state') IS NOT NULL,
       %(index)s::text IS NULL OR to_regclass(%(index)s) IS NOT NULL,
       EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = to_regclass(%(queue)s) AND tgname = 'faststream_pgmq_doorbell')
"""


def bell_name(queue: str) -> str:
    """Return the name of a queue's doorbell: its channel, and what its lock is made of."""
    return f"pgmq_bell.{queue.lower()}"


def tables(queue: str) -> tuple[str, str, str]:
    """Return the names of a queue's tables, as pgmq makes them: queue, archive, dead letters."""
    name = queue.lower()
    return f"q_{name}", f"a_{name}", f"q_{name}_dlq"


def group_index(queue: str, groups: str) -> str:
    """Return the quoted name of the index by which a queue is read by groups."""
    return sql.Identifier("pgmq", f"{tables(queue)[0]}_{groups}").as_string(None)


@lru_cache(maxsize=1024)
def statement(template: LiteralString, queue: str) -> LiteralString:
    """Return a statement for one queue; composing it anew would cost more than running it.

    Text and not bytes: telemetry names a statement's span by its first word.
    """
    table, archive, dead = tables(queue)
    name = sql.Literal(queue.lower())
    composed = sql.SQL(template).format(
        queue=sql.Identifier("pgmq", table),
        archive=sql.Identifier("pgmq", archive),
        dead=sql.Identifier("pgmq", dead),
        group=sql.SQL(GROUP_OF),
        due_in_group=sql.SQL(DUE_IN_GROUP),
        place_in_group=sql.SQL(PLACE_IN_GROUP),
        bell=sql.Literal(bell_name(queue)),
        not_paused=sql.SQL(NOT_PAUSED).format(name=name),
        pause_reason=sql.SQL(PAUSE_REASON).format(name=name),
        due=sql.SQL(DUE),
    )
    return cast("LiteralString", composed.as_string(None))


async def claim_messages(
    conn: AsyncConnection[Any], queue: str, *, mark: int | None, limit: int, lease: float
) -> Claimed:
    """Hide and return up to `limit` due messages for `lease` seconds.

    From the id `mark` on, lowest first; without a mark those that became due first.
    """
    template = CLAIM_ANYWHERE if mark is None else CLAIM
    cursor = await conn.execute(
        statement(template, queue), {"mark": mark, "limit": limit, "lease": lease}
    )
    return claimed_rows(queue, await cursor.fetchall())


def claimed_rows(queue: str, rows: Sequence[Any]) -> Claimed:
    """Return what a statement that ends in `TAKE_DUE` has answered."""
    if rows[0][0] is None:
        return Claimed([], next_due=rows[0][6], paused=rows[0][7])
    return Claimed(
        [
            Delivery(queue, msg_id, read_ct, enqueued_at, claimed_at, text, as_object(headers))
            for msg_id, read_ct, enqueued_at, claimed_at, text, headers, _, _ in rows
        ]
    )


def as_object(text: str | None) -> dict[str, Any]:
    """Return headers from their JSON text."""
    # `headers` is any JSON; what is no object carries nothing for us.
    try:
        headers: object = json_loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return headers if isinstance(headers, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _leases(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "ids": [one.msg_id for one in deliveries],
        "fences": [one.read_ct for one in deliveries],
    }


async def extend_leases(
    conn: AsyncConnection[Any], queue: str, deliveries: Sequence[Delivery], *, lease: float
) -> set[int]:
    """Give everything another `lease` seconds; return the ids whose lease is still ours."""
    leases = _leases(deliveries)
    extended = await conn.execute(statement(EXTEND, queue), {**leases, "lease": lease})
    if extended.rowcount == len(deliveries):
        return {one.msg_id for one in deliveries}
    held = await conn.execute(statement(FIND_HELD, queue), leases)
    return {row[0] for row in await held.fetchall()}


async def finish_messages(
    conn: AsyncConnection[Any], queue: str, deliveries: Sequence[Delivery], *, archive: bool
) -> set[int]:
    """Archive or delete what is still ours; return the ids."""
    cursor = await conn.execute(
        statement(ARCHIVE if archive else DELETE, queue), _leases(deliveries)
    )
    return {row[0] for row in await cursor.fetchall()}


async def defer_messages(
    conn: AsyncConnection[Any], queue: str, deferred: Sequence[Deferred]
) -> set[int]:
    """Write back what is still ours, due after its delay; return the ids."""
    parameters = {
        **_leases([one.delivery for one in deferred]),
        # psycopg dumps no list of both: `Retry(delay=5)` beside a backoff of 1.5.
        "delays": [float(one.delay) for one in deferred],
        "headers": [encode_headers(one.headers) for one in deferred],
    }
    cursor = await conn.execute(statement(DEFER, queue), parameters)
    return {row[0] for row in await cursor.fetchall()}


async def bury_messages(conn: AsyncConnection[Any], queue: str, dead: Sequence[Dead]) -> set[int]:
    """Move what is still ours to the dead letters; return the ids."""
    parameters = {
        **_leases([one.delivery for one in dead]),
        "headers": [encode_headers(one.headers) for one in dead],
        "reports": [encode_headers(one.report) for one in dead],
        "name": queue,
    }
    cursor = await conn.execute(statement(BURY, queue), parameters)
    return {row[0] for row in await cursor.fetchall()}


def sending(queue: str, messages: Sequence[Outgoing]) -> tuple[LiteralString, dict[str, Any]]:
    """Return the statement that sends all of them, and its parameters.

    Its rows are `(msg_id, is_new)`; not new is what was merged into a waiting message.
    """
    merging = any(message.dedup_key is not None for message in messages)
    parameters = {
        "messages": [message.text for message in messages],
        "headers": [message.encode_headers() for message in messages],
        "delays": [message.delay for message in messages],
        "ats": [message.at for message in messages],
    }
    return statement(SEND_MERGING if merging else SEND, queue), parameters


async def ring_bell(conn: AsyncConnection[Any], queue: str) -> None:
    """Wake one sleeping consumer, if any sleeps, when this transaction commits."""
    await conn.execute(RING, {"bell": bell_name(queue)})


async def find_missing_part(
    conn: AsyncConnection[Any], queue: str, groups: str | None
) -> tuple[str | None, bool]:
    """Return the first part of a queue that does not exist, and whether it has a doorbell."""
    names = [sql.Identifier("pgmq", table).as_string(None) for table in tables(queue)]
    index = None if groups is None else group_index(queue, groups)
    parameters = {**dict(zip(("queue", "archive", "dead"), names, strict=True)), "index": index}
    row = await (await conn.execute(FIND_PARTS, parameters)).fetchone()
    assert row is not None
    wanted = [*names, QUEUE_STATE, index]
    missing = [name for name, exists in zip(wanted, row, strict=False) if not exists]
    return (missing[0] if missing else None), bool(row[-1])


def encode_headers(headers: dict[str, Any]) -> str:
    """Return headers as JSON text; takes whatever pydantic can serialize."""
    encoded: bytes = dump_json(headers)
    return encoded.decode()
