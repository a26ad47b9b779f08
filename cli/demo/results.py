"""What came out: patterns, a summary, a search and one message's trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from cli.api_client import ApiClient
from cli.connection import find_settings, open_postgres
from cli.errors import CommandError
from cli.terminal import out, plain
from cli.tracing.show import get_newest_trace, get_trace
from cli.tracing.tree import Span, build_tree, find_largest_message
from cli.tracing.view import show_trace
from cli.views.patterns import Pattern, Wanted, find_patterns, read_patterns, show_pattern
from cli.views.search import find_memories, show_memories
from cli.views.summaries import find_summaries, read_summaries, show_summary

PATTERNS_ASKED_FOR: Final = 100
PATTERNS_OF_A_TYPE: Final = 2
QUESTION: Final = "a test failed and what fixed it"
FULL_WAY: Final = ("supastate-api", "supastate-ingest", "supastate-patterns")
PATIENCE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.5


def show_results(client: ApiClient) -> None:
    """Print one of everything that the system made of its input."""
    console = out()
    console.rule("[bold]Patterns", align="left")
    _show_patterns(read_patterns(find_patterns(client, Wanted(limit=PATTERNS_ASKED_FOR))))
    console.rule("[bold]A project summary", align="left")
    _show_summary(client)
    console.rule(f"[bold]Search: “{QUESTION}”", align="left")
    console.print(show_memories(find_memories(client, QUESTION, limit=3)))
    console.rule("[bold]One message, from the request to its pattern", align="left")
    asyncio.run(_show_trace())


def _show_patterns(patterns: Sequence[Pattern]) -> None:
    by_type = sorted(patterns, key=lambda pattern: (pattern.type, -pattern.confidence))
    for pattern_type, group in groupby(by_type, key=lambda pattern: pattern.type):
        same = list(group)
        for pattern in same[:PATTERNS_OF_A_TYPE]:
            out().print(show_pattern(pattern))
        if (rest := len(same) - PATTERNS_OF_A_TYPE) > 0:
            out().print(plain(f"     … and {rest} more of type {pattern_type}\n", "dim"))
    if not patterns:
        out().print(plain("None: this input shows no pattern yet.", "yellow"))


def _show_summary(client: ApiClient) -> None:
    """Print the summary of the project with most memories; the first may be written just now."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (summaries := read_summaries(find_summaries(client))):
        if time.monotonic() > deadline:
            out().print(plain("None yet; `supastate summaries` shows it when it is.", "yellow"))
            return
        time.sleep(POLL_SECONDS)
    out().print(show_summary(max(summaries, key=lambda summary: summary.memories_included)))


async def _show_trace() -> None:
    try:
        trace_id, spans = await _find_full_trace()
    except CommandError:  # spans are kept three days, and a second demo may send nothing new
        out().print(plain("No trace is kept any more; import something new to see one.", "yellow"))
        return
    message = find_largest_message(build_tree(spans))
    out().print(show_trace(trace_id, spans, message))


async def _find_full_trace() -> tuple[str, Sequence[Span]]:
    """Return a trace through all services; spans are stored a moment after they end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    async with open_postgres(find_settings()) as conn:
        while True:
            try:
                found = await get_newest_trace(conn, FULL_WAY)
                return found, await get_trace(conn, found)
            except CommandError:
                if time.monotonic() > deadline:
                    found = await get_newest_trace(conn)
                    return found, await get_trace(conn, found)
            await asyncio.sleep(POLL_SECONDS)
