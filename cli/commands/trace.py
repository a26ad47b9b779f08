"""`supastate trace`: one message's way through all services."""

from __future__ import annotations

from typing import Annotated

import typer


def trace(
    trace_id: Annotated[
        str | None, typer.Argument(show_default="the newest that went through several services")
    ] = None,
    message: Annotated[
        str | None,
        typer.Option(help="Show only this message's way: its id, or queue:id."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the spans as JSON.")] = False,
) -> None:
    """Draw a trace as a tree of spans with durations.

    Of the API, with the spans of the key's workspace, where the shell names SUPASTATE_API_URL,
    SUPASTATE_API_KEY and no SUPASTATE_POSTGRES_DSN; else from the span store in Postgres.
    """
    from cli.tracing.show import show_one

    show_one(trace_id, message, as_json=as_json)
