"""Finds a trace, in the span store or over the API, and shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from cli.api_client import ApiClient
from cli.connection import asks_api, find_api, find_settings, open_postgres
from cli.errors import CommandError
from cli.terminal import out, print_json
from cli.tracing.over_api import KEPT, find_newest, find_steps
from cli.tracing.spans import dump_spans, is_about
from cli.tracing.view import show_trace
from shared.postgres.spans import find_newest_trace
from shared.postgres.traces import Span, find_spans


def show_one(trace_id: str | None, message: str | None, *, as_json: bool) -> None:
    """Print a trace, the newest when none is named.

    Raises:
        CommandError: there is no such trace, or nothing about this message in it.
    """
    if asks_api():
        chosen, spans = _ask(trace_id, message, whole=as_json)
    else:
        chosen, spans = asyncio.run(_read(trace_id, message))
    if message and not any(is_about(span, message) for span in spans):
        raise CommandError(
            f"no span of trace {chosen} is about {message}",
            next_step="`supastate jobs` shows jobs; `supastate trace --json` the ids of spans.",
        )
    if as_json:
        print_json(dump_spans(spans))
    else:
        out().print(show_trace(chosen, spans, message))


def _ask(trace_id: str | None, message: str | None, *, whole: bool) -> tuple[str, list[Span]]:
    with ApiClient(find_api()) as client:
        chosen = trace_id or find_newest(client, message)
        return chosen, find_steps(client, chosen, whole=whole)


async def _read(trace_id: str | None, message: str | None) -> tuple[str, list[Span]]:
    async with open_postgres(find_settings()) as conn:
        chosen = trace_id or await get_newest_trace(conn, message=message)
        return chosen, await get_trace(conn, chosen)


async def get_newest_trace(
    conn: AsyncConnection[TupleRow], through: Sequence[str] = (), *, message: str | None = None
) -> str:
    """Return the newest trace that reached the graph through these services, with this message.

    Raises:
        CommandError: there is none.
    """
    queue, _, message_id = (message or "").rpartition(":")
    found = await find_newest_trace(
        conn, through, message_id=message_id or None, queue=queue or None
    )
    if found is None and message:
        raise CommandError(
            f"no trace of message {message} has reached the graph",
            next_step="`supastate trace --json` shows ids of messages; spans are kept three days.",
        )
    if found is None:
        raise CommandError(
            "no trace has reached the graph yet",
            next_step="Import something first, for example `supastate import git . --wait`.",
        )
    return found


async def get_trace(conn: AsyncConnection[TupleRow], trace_id: str) -> list[Span]:
    """Return the spans of a trace.

    Raises:
        CommandError: it is unknown.
    """
    if spans := await find_spans(conn, trace_id):
        return spans
    raise CommandError(f"no trace {trace_id}", next_step=KEPT)
