"""`supastate audit`: who changed what."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer


def audit(
    action: Annotated[
        str | None, typer.Option(help="Only what begins like this: key, queue.pause, data.")
    ] = None,
    key: Annotated[UUID | None, typer.Option(help="Only what was done with this key.")] = None,
    user: Annotated[UUID | None, typer.Option(help="Only what this user did.")] = None,
    since: Annotated[
        str | None, typer.Option(help="From then on, such as 2026-01-31T09:30:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before then.")] = None,
    before: Annotated[
        str | None, typer.Option(help="The `next` of the page before.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show who did what, newest first: redrives, pauses, reviews, deletions, keys."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.reports import find_entries, show_entries

    wanted = {
        "action": action,
        "key": str(key) if key else None,
        "user": str(user) if user else None,
        "since": since,
        "until": until,
        "before": before,
        "limit": limit,
    }
    with ApiClient(find_api()) as client:
        answer = find_entries(client, wanted)
    if as_json:
        print_json(answer)
    else:
        out().print(show_entries(answer))
