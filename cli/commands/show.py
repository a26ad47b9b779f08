"""`supastate show`: one memory or source file whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer


class Kind(StrEnum):
    """What is remembered."""

    memory = "memory"
    code = "code"


def show(
    kind: Annotated[Kind, typer.Argument(help="What it is.")],
    entity_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="As `supastate search --json` shows it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show a memory or source file whole, what it is tied to, and what became of its messages."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.entity import find_entity, show_entity

    with ApiClient(find_api()) as client:
        answer = find_entity(client, kind.value, entity_id)
    if as_json:
        print_json(answer)
    else:
        out().print(show_entity(answer))
