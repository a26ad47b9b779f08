"""`supastate keys`: the API keys of a workspace, in Postgres or over the API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, rotate and revoke API keys. Over the API, where the shell names "
    "SUPASTATE_API_URL, a SUPASTATE_API_KEY with the scope admin and no SUPASTATE_POSTGRES_DSN; "
    "else in Postgres, that of the local stack where none is named.",
)

Workspace = Annotated[
    str | None,
    typer.Option(
        help="team:<uuid> or user:<uuid>.",
        envvar="SUPASTATE_WORKSPACE_ID",
        show_default="the key's, or the local stack's",
    ),
]

KeyId = Annotated[UUID, typer.Argument(help="The id that `supastate keys list` shows.")]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Scope(StrEnum):
    """What a key may do."""

    ingest = "ingest"
    read = "read"
    operate = "operate"
    admin = "admin"


@app.command("create")
def create(
    workspace: Workspace = None,
    user: Annotated[
        UUID | None,
        typer.Option(
            help="Who sends with this key.",
            show_default="the API's caller, or a new id in Postgres",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="To tell keys apart.")] = "command line",
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="What it may do; several times for several.",
            show_default="ingest, read, operate",
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it is valid.", show_default="ever")
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Its own limit.", show_default="the API's"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    from cli.api_keys import NewKey, find_keys

    wanted = NewKey(user, name, scope, days, requests_per_minute)
    _print_key(find_keys(workspace).create(wanted), as_json)


@app.command("list")
def list_keys(
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Show a workspace's keys, revoked ones too."""
    from cli.api_keys import find_keys, show_keys

    show_keys(find_keys(workspace).find_all(), as_json=as_json)


@app.command("rotate")
def rotate(
    key_id: KeyId,
    workspace: Workspace = None,
    grace_hours: Annotated[
        int, typer.Option(min=0, max=720, help="How long the old key still works.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a key with the same rights in place of another, and print it."""
    from cli.api_keys import find_keys

    _print_key(find_keys(workspace).rotate(key_id, grace_hours=grace_hours), as_json)


@app.command("revoke")
def revoke(
    key_id: KeyId,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Make a key useless. The API notices within seconds."""
    from cli.api_keys import find_keys
    from cli.terminal import out, print_json

    find_keys(workspace).revoke(key_id)
    if as_json:
        print_json({"id": str(key_id), "state": "revoked"})
    else:
        out().print(f"Revoked {key_id}.")


def _print_key(key: str, as_json: bool) -> None:
    from cli.terminal import err, plain, print_json

    if as_json:
        print_json({"key": key})
    else:
        typer.echo(key)
    err().print(plain("Keep it: only a hash is stored. Clients send it as a Bearer token.", "dim"))
