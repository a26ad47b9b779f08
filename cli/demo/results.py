"""What came out: patterns, a summary, a search and one message's trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, get_args

from cli.api_client import ApiClient
from cli.connection import find_settings, open_postgres
from cli.errors import CommandError
from cli.terminal import out, plain
from cli.tracing.show import get_newest_trace, get_trace
from cli.tracing.tree import find_largest_message
from cli.tracing.view import show_trace
from cli.views.patterns import Pattern, Wanted, find_patterns, read_patterns, show_pattern
from cli.views.search import find_results
from cli.views.search import show_results as show_found
from cli.views.summaries import find_summaries, read_summaries, show_summary
from shared.messages import PatternType
from shared.postgres.traces import Span
from shared.traces.tree import build_tree

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
    _show_patterns(client)
    console.rule("[bold]A project summary", align="left")
    _show_summary(client)
    console.rule(f"[bold]Search: “{QUESTION}”", align="left")
    console.print(show_found(find_results(client, QUESTION, {"limit": 3})))
    console.rule("[bold]One message, from the request to its pattern", align="left")
    asyncio.run(_show_trace())


def _show_patterns(client: ApiClient) -> None:
    """Print the surest patterns of each type; one type alone could fill any list."""
    is_empty = True
    for pattern_type in get_args(PatternType):
        wanted = Wanted(pattern_type, limit=PATTERNS_ASKED_FOR)
        found = _one_of_each_name_first(read_patterns(find_patterns(client, wanted)))
        for pattern in found[:PATTERNS_OF_A_TYPE]:
            out().print(show_pattern(pattern))
        if (rest := len(found) - PATTERNS_OF_A_TYPE) > 0:
            out().print(plain(f"     … and {rest} more of type {pattern_type}\n", "dim"))
        is_empty &= not found
    if is_empty:
        out().print(plain("None: this input shows no pattern yet.", "yellow"))


def _one_of_each_name_first(patterns: Sequence[Pattern]) -> list[Pattern]:
    surest = {pattern.name: pattern for pattern in reversed(patterns)}
    first = [pattern for pattern in patterns if surest[pattern.name] is pattern]
    return first + [pattern for pattern in patterns if surest[pattern.name] is not pattern]


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
    message = find_largest_message(build_tree(spans).roots)
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
