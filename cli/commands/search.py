"""`supastate search`: memories and code that fit what was asked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.commands.patterns import FORMATS


class Kind(StrEnum):
    """What may be found."""

    MEMORY = "memory"
    CODE = "code"


def search(
    query: Annotated[str, typer.Argument(help='In your own words; "quoted phrases" must occur.')],
    kind: Annotated[Kind | None, typer.Option("--type", help="Only these.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    session: Annotated[str | None, typer.Option(help="Only memories of this session.")] = None,
    language: Annotated[str | None, typer.Option(help="Only code in this language.")] = None,
    user: Annotated[UUID | None, typer.Option(help="Only what this user sent.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="What happened from here on.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="What happened before.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 5,
    after: Annotated[
        str | None, typer.Option(help="Go on after the page that said this.", show_default=False)
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Say why each was found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Find memories and code by meaning, by words and by what they are tied to."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.search import find_results, show_results

    params = {
        "type": kind and kind.value,
        "project": project,
        "session": session,
        "language": language,
        "user": user and str(user),
        "since": since and since.astimezone().isoformat(),
        "until": until and until.astimezone().isoformat(),
        "limit": limit,
        "after": after,
    }
    with ApiClient(find_api()) as client:
        answer = find_results(client, query, params)
    if as_json:
        print_json(answer)
    else:
        out().print(show_results(answer, with_why=why))
