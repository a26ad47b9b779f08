"""`supastate patterns`: what the team's activity shows, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


class Review(StrEnum):
    """What was said of patterns."""

    confirmed = "confirmed"
    dismissed = "dismissed"
    open = "open"
    all = "all"


def patterns(
    pattern_type: Annotated[
        str | None, typer.Option("--type", help="debugging, learning, refactoring, …")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    detect: Annotated[
        bool, typer.Option("--detect", help="Look for patterns anew first, and wait for it.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=FORMATS, help="With --detect: look anew at what happened from here."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=FORMATS, help="With --detect: look anew at what happened before."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="In the name, the project or the reason.")
    ] = None,
    near: Annotated[
        str | None, typer.Option(help="The nearest to these words in meaning, instead.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Only those at least so sure.", min=0, max=1)
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="The `next` of the page before.", show_default=False)
    ] = None,
    review: Annotated[
        Review | None,
        typer.Option(
            help="By what was said of them: open is nothing.", show_default="all but dismissed"
        ),
    ] = None,
    rates: Annotated[
        bool, typer.Option("--rates", help="Show how often each type is by week, instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show patterns with their evidence, surest first.

    With --detect it looks first at what is new; with --project, --since or --until it looks again
    at the newest 1,000 memories and files there, whether or not something is new.
    """
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.errors import UsageError
    from cli.terminal import out, print_json
    from cli.views.patterns import (
        Wanted,
        detect_patterns,
        find_patterns,
        find_rates,
        show_patterns,
    )
    from cli.views.rates import show_rates

    if (since or until) and not detect:
        raise UsageError(
            "--since and --until say where to look anew", next_step="Add --detect, or leave them."
        )
    wanted = Wanted(
        pattern_type,
        project,
        limit,
        _by_our_clock(since),
        _by_our_clock(until),
        text,
        review and review.value,
        near,
        min_confidence,
        after,
    )
    with ApiClient(find_api()) as client:
        if detect:
            detect_patterns(client, wanted)
        answer = find_rates(client, wanted) if rates else find_patterns(client, wanted)
    if as_json:
        print_json(answer)
    else:
        out().print(show_rates(answer) if rates else show_patterns(answer))


def _by_our_clock(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone()
