"""`supastate jobs`: what was asked for, and how far it is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer


def jobs(
    job_id: Annotated[UUID | None, typer.Argument(show_default="the newest jobs")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show how far jobs are, and what was given up."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.jobs import find_job, list_jobs, show_jobs

    with ApiClient(find_api()) as client:
        answer = find_job(client, job_id) if job_id else list_jobs(client, limit)
    if as_json:
        print_json(answer)
    else:
        out().print(show_jobs(answer))
