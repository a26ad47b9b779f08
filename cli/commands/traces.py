"""`supastate traces`: where the time of the newest requests went."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer


def traces(
    service: Annotated[
        str | None, typer.Option(help="Only with a step of this service: supastate-ingest.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only with a failed step.")] = False,
    min_ms: Annotated[
        float, typer.Option(help="Only those that took at least so many milliseconds.", min=0)
    ] = 0,
    job: Annotated[UUID | None, typer.Option(help="Only of this job.")] = None,
    message: Annotated[
        str | None, typer.Option(help="Only of this message: its id, or queue:id.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    before: Annotated[
        str | None, typer.Option(help="The `next` of the page before.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """List traces, the newest first; `supastate trace ID` draws one."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.traces import find_traces, show_traces

    params = {
        "service": service,
        "errors": "true" if errors else None,
        "minMs": min_ms or None,
        "job": job and str(job),
        "message": message,
        "limit": limit,
        "before": before,
    }
    with ApiClient(find_api()) as client:
        answer = find_traces(client, params)
    if as_json:
        print_json(answer)
    else:
        out().print(show_traces(answer))
