"""`supastate forget`: memories that should not be remembered."""

from __future__ import annotations

from typing import Annotated

import typer


def forget(
    chunk_ids: Annotated[
        list[str], typer.Argument(metavar="CHUNK_ID…", help="As `supastate search --json` shows.")
    ],
) -> None:
    """Delete memories. Search and patterns follow within seconds; this cannot be undone.

    An unknown chunk id is named on standard error; the others are deleted, and the exit code is 1.
    """
    from http import HTTPStatus
    from urllib.parse import quote

    from cli.api_client import ApiClient, ApiRefusedError
    from cli.connection import find_api
    from cli.terminal import out, plain

    unknown: list[str] = []
    with ApiClient(find_api()) as client:
        for chunk_id in chunk_ids:
            try:
                client.delete(f"/api/memories/{quote(chunk_id, safe='')}")
            except ApiRefusedError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                unknown.append(chunk_id)
    for chunk_id in unknown:
        typer.echo(f"{chunk_id}: no such memory in this workspace", err=True)
    out().print(plain(f"Deleted {len(chunk_ids) - len(unknown)} of {len(chunk_ids)} memories."))
    if unknown:
        raise typer.Exit(1)
