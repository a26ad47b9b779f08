"""`supastate projects`: what each is about, and how fresh that is."""

from __future__ import annotations

from typing import Annotated

import typer


def projects(
    name: Annotated[
        str | None, typer.Argument(help="One project in full.", show_default="all")
    ] = None,
    summarise: Annotated[
        bool, typer.Option("--summarise", help="Ask for a new summary of the project named.")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 50,
    after: Annotated[
        str | None, typer.Option(help="The `next` of the page before.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show projects with their summaries; one in full with sources, decisions and activity."""
    from urllib.parse import quote

    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.errors import UsageError
    from cli.terminal import out, plain, print_json
    from cli.views.projects import show_project, show_projects

    if summarise and name is None:
        raise UsageError("--summarise says nothing of which", next_step="Name the project too.")
    with ApiClient(find_api()) as client:
        path = f"/api/projects/{quote(name or '', safe='')}".rstrip("/")
        if summarise:
            answer = client.post(f"{path}/summary", {})
        else:
            answer = client.get(path, None if name else {"limit": limit, "after": after})
    if as_json:
        print_json(answer)
    elif summarise:
        out().print(plain("Asked. It is written where something changed; see `supastate jobs`."))
    else:
        out().print(show_project(answer) if name else show_projects(answer))
