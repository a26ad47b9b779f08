"""`supastate forget`: what should not be remembered."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer


def forget(
    chunk_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHUNK_ID…]", help="As `supastate search --json` shows."),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Everything of this project, instead of memories.")
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="With --project: only this source file."),
    ] = None,
    user: Annotated[UUID | None, typer.Option(help="Everything that this user sent.")] = None,
    workspace: Annotated[
        str | None, typer.Option(metavar="ID", help="Everything of the key's workspace.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until nothing is left.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was deleted.")] = False,
) -> None:
    """Delete memories, source files, or all data of a project, user or workspace, for good.

    An unknown chunk id is named on standard error; the others are deleted, and the exit code is 1.
    A project's, user's or workspace's data goes everywhere: rows, queues, archives, dead letters,
    traces, search and patterns; the key needs the scope admin.
    """
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.errors import UsageError
    from cli.forgetting import (
        ask_for_name,
        forget_data,
        forget_files,
        forget_memories,
        read_target,
    )

    target = read_target(project, user, workspace)
    if files and (project is None or chunk_ids):
        raise UsageError(
            "--file is about a file of a project", next_step="Name it: --project NAME --file PATH."
        )
    if bool(chunk_ids) == (target is not None):
        raise UsageError(
            "name either memories, or one of --project, --user and --workspace",
            next_step="`supastate forget --help` shows both ways.",
        )
    with ApiClient(find_api()) as client:
        if target is None:
            forget_memories(client, chunk_ids or [], as_json=as_json)
            return
        if files:
            forget_files(client, project or "", files, as_json=as_json)
            return
        if not yes:
            ask_for_name(target)
        forget_data(client, target, wait=wait, as_json=as_json)
