"""`supastate summaries`: one paragraph about each project."""

from __future__ import annotations

from typing import Annotated

import typer


def summaries(
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show what each project is about and where it stands."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.summaries import find_summaries, show_summaries

    with ApiClient(find_api()) as client:
        answer = find_summaries(client, project)
    if as_json:
        print_json(answer)
    else:
        out().print(show_summaries(answer))
