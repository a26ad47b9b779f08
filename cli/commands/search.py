"""`supastate search`: memories that mean what was asked."""

from __future__ import annotations

from typing import Annotated

import typer


def search(
    query: Annotated[str, typer.Argument(help="In your own words.")],
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Find memories by meaning."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.search import find_memories, show_memories

    with ApiClient(find_api()) as client:
        answer = find_memories(client, query, project=project, limit=limit)
    if as_json:
        print_json(answer)
    else:
        out().print(show_memories(answer))
