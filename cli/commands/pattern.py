"""`supastate pattern`: one pattern in full, and what you say of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer


class Verdict(StrEnum):
    """What can be said of a pattern."""

    confirmed = "confirmed"
    dismissed = "dismissed"
    none = "none"


def pattern(
    pattern_id: Annotated[UUID, typer.Argument(help="As `supastate patterns --json` shows it.")],
    say: Annotated[
        Verdict | None,
        typer.Option(help="dismissed hides it for good; none takes back what was said."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why, with --say.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show why something is a pattern, with all its evidence; confirm or dismiss it."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.errors import UsageError
    from cli.terminal import out, print_json
    from cli.views.pattern import show_detail

    if note and say is None:
        raise UsageError("--note is about what you say", next_step="Add --say.")
    path = f"/api/patterns/{pattern_id}"
    with ApiClient(find_api()) as client:
        if say is None:
            answer = client.get(path)
        else:
            verdict = None if say is Verdict.none else say.value
            answer = client.post(f"{path}/review", {"verdict": verdict, "note": note})
    if as_json:
        print_json(answer)
    else:
        out().print(show_detail(answer))
