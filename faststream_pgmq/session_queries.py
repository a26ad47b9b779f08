"""The SQL of sessions: locks, what they hear, how they end; see `doorbell` and `answering`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from psycopg import AsyncConnection

Session = tuple[int, str]
"""A server process, and when it began."""

LOCK: Final[LiteralString] = "SELECT pg_advisory_lock(hashtextextended({name}, 0))"
LIMIT_LOCK_WAIT: Final[LiteralString] = "SELECT set_config('lock_timeout', %s, false)"
UNLOCK_ALL: Final[LiteralString] = "SELECT pg_advisory_unlock_all()"
LISTEN: Final[LiteralString] = "LISTEN {channel}"
IDENTIFY_SESSION: Final[LiteralString] = (
    "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
)
NOTIFY: Final[LiteralString] = "SELECT pg_notify(%s, '')"
BACKEND_PID: Final[LiteralString] = "SELECT pg_backend_pid()"
# An answer that left the server a second ago and is not here will not come any more. Its session is
# ended: in an open transaction it would go on holding locks, on which the next try would wait.
END_UNLESS_AT_WORK: Final[LiteralString] = """
SELECT CASE WHEN state = 'active' OR state_change > clock_timestamp() - interval '1 second'
            THEN true ELSE pg_terminate_backend(pid) IS NULL END
FROM pg_stat_activity WHERE pid = %s AND backend_start::text = %s
"""
# Else a consumer whose machine is gone keeps its locks for two hours, as TCP's own settings are.
WATCH_CLIENT: Final[LiteralString] = """
SELECT set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '2', false),
       set_config('tcp_user_timeout', '20000', false)
"""
END_SESSION: Final[LiteralString] = """
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE pid = %s AND backend_start::text = %s AND usename = current_user
"""


async def identify_session(conn: AsyncConnection[Any]) -> Session:
    """Return what tells the server session of this connection from all others, for ever."""
    row = await (await conn.execute(IDENTIFY_SESSION)).fetchone()
    assert row is not None
    return row[0], row[1]


async def end_unless_at_work(conn: AsyncConnection[Any], session: Session) -> bool:
    """Return whether a session works on a statement, or did a moment ago; end it if not."""
    row = await (await conn.execute(END_UNLESS_AT_WORK, session)).fetchone()
    return row is not None and bool(row[0])
