"""`supastate keys`: the API keys of a workspace, made and revoked where Postgres is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys (needs Postgres).")

Workspace = Annotated[
    str | None,
    typer.Option(
        help="team:<uuid> or user:<uuid>.",
        envvar="SUPASTATE_WORKSPACE_ID",
        show_default="the local stack's",
    ),
]


@app.command("create")
def create(
    workspace: Workspace = None,
    user: Annotated[
        UUID | None, typer.Option(help="Who sends with this key.", show_default="a new id")
    ] = None,
    name: Annotated[str, typer.Option(help="To tell keys apart.")] = "command line",
) -> None:
    """Make a key and print it; it cannot be shown again."""
    from cli.api_keys import create_key
    from cli.terminal import err, plain

    key = create_key(workspace, user, name)
    typer.echo(key)
    err().print(plain("Keep it: only a hash is stored. Clients send it as a Bearer token.", "dim"))


@app.command("list")
def list_keys(
    workspace: Workspace = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a workspace's keys, revoked ones too."""
    from cli.api_keys import list_keys, show_keys

    show_keys(list_keys(workspace), as_json=as_json)


@app.command("revoke")
def revoke(
    key_id: Annotated[UUID, typer.Argument(help="The id that `supastate keys list` shows.")],
    workspace: Workspace = None,
) -> None:
    """Make a key useless. The API notices within seconds."""
    from cli.api_keys import revoke_key
    from cli.terminal import out

    revoke_key(workspace, key_id)
    out().print(f"Revoked {key_id}.")
