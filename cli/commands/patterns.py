"""`supastate patterns`: what the team's activity shows, and why."""

from __future__ import annotations

from typing import Annotated

import typer


def patterns(
    pattern_type: Annotated[
        str | None, typer.Option("--type", help="debugging, learning, refactoring, …")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    detect: Annotated[
        bool, typer.Option("--detect", help="Look for patterns anew first, and wait for it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show patterns with their evidence, surest first."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.patterns import Wanted, detect_patterns, find_patterns, show_patterns

    wanted = Wanted(pattern_type, project, limit)
    with ApiClient(find_api()) as client:
        if detect:
            detect_patterns(client, wanted)
        answer = find_patterns(client, wanted)
    if as_json:
        print_json(answer)
    else:
        out().print(show_patterns(answer))
