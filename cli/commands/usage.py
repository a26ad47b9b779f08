"""`supastate usage`: how much was sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class By(StrEnum):
    """What is added up."""

    day = "day"
    key = "key"
    project = "project"


def usage(
    by: Annotated[By, typer.Option(help="What to add up.")] = By.day,
    since: Annotated[
        str | None, typer.Option(help="From then on.", show_default="30 days ago")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before then.", show_default="now")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show how many memories and files were sent, how much, and how many searches there were."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.reports import find_usage, show_usage

    with ApiClient(find_api()) as client:
        answer = find_usage(client, {"by": by.value, "since": since, "until": until})
    if as_json:
        print_json(answer)
    else:
        out().print(show_usage(answer))
